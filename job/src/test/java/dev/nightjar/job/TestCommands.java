package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.udfs.ExecutorEngines;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.function.IntSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands as a shell sees them: exit code and standard output. */
class TestCommands {
  @TempDir private static Path shared;
  private static Path model;

  @TempDir private Path folder;

  /** What a command gave. */
  private record Result(int exitCode, String out) {
    String lastLine() {
      return out.lines().toList().getLast();
    }
  }

  @BeforeAll
  static void write() throws IOException {
    model = TinyModel.write(shared.resolve("model"));
  }

  @AfterAll
  static void close() {
    ExecutorEngines.closeIdle();
  }

  @Test
  void runPrintsItsSummaryLastAndSqlReadsItsTable() throws IOException {
    Path input = JobRuns.input(folder, 7);
    Path output = folder.resolve("out");
    Result run =
        execute(
            "run",
            "--model",
            model.toString(),
            "--input",
            input.toString(),
            "--prompt-column",
            "body",
            "--max-tokens",
            "4",
            "--output",
            output.toString(),
            "--set",
            "input.schema=id INT, body STRING",
            "--set",
            "run.progress-seconds=0");
    assertThat(run.exitCode()).isZero();
    JsonNode summary = new JsonMapper().readTree(run.lastLine());
    assertThat(summary.path("status").asText()).isEqualTo("ok");
    assertThat(summary.path("rows").path("ok").asInt()).isEqualTo(7);
    String view = "r=" + output;
    assertThat(execute("sql", "--view", view, "-e", "SELECT count(*) FROM r; SELECT 1").exitCode())
        .isZero();
    assertThat(execute("sql", "--view", view, "-e", "SELECT nothing FROM r").exitCode())
        .isEqualTo(1);
  }

  @Test
  void failedRunSaysWhyInItsLastLine() throws IOException {
    Result run = execute("run", "--input", "x", "--max-tokens", "none");
    assertThat(run.exitCode()).isEqualTo(1);
    JsonNode last = new JsonMapper().readTree(run.lastLine());
    assertThat(last.path("status").asText()).isEqualTo("failed");
    assertThat(last.path("error").asText())
        .contains("sampling.max-tokens is 'none'")
        .contains("output.path is missing");
  }

  @Test
  void wrongUsageIsExitCodeOne() {
    assertThat(execute("run", "--no-such-flag").exitCode()).isEqualTo(1);
    assertThat(execute("sql", "-e", "x", "-f", "y").exitCode()).isEqualTo(1);
    assertThat(execute("run", "--help").exitCode()).isZero();
  }

  @Test
  void everyKeyWithAFlagIsInTheHelp() {
    String help = execute("run", "--help").out();
    for (ConfigKey<?> key : ConfigKeys.all()) {
      key.flag().ifPresent(flag -> assertThat(help).contains(flag));
    }
  }

  @Test
  void demoComparesTwoDepthsAndLeavesTables() {
    Path demo = folder.resolve("demo");
    Result result =
        execute(
            "demo",
            "--synthetic",
            "--rows",
            "6",
            "--model",
            model.toString(),
            "--depth",
            "unified:keep=0.5",
            "--folder",
            demo.toString());
    assertThat(result.exitCode()).isZero();
    assertThat(result.out())
        .contains("synthetic mailbox")
        .contains("layers per token")
        .contains("2.00 of 4")
        .contains("4.00 of 4")
        .contains("posexplode");
    assertThat(List.of("mails", "results", "results_full"))
        .allSatisfy(name -> assertThat(demo.resolve(name).resolve("_SUCCESS")).exists());
    assertThat(demo.resolve("warm-up")).doesNotExist();
  }

  @Test
  void generateRanksLabelsInsteadOfWritingAnAnswer() throws IOException {
    Result result =
        execute(
            "generate",
            "--model",
            model.toString(),
            "--prompt",
            "abc",
            "--labels",
            "ham,spam",
            "--answer-prefix",
            "it is ");
    assertThat(result.exitCode()).isZero();
    JsonNode line = new JsonMapper().readTree(result.lastLine());
    assertThat(line.path("label").asText())
        .isIn("ham", "spam")
        .isEqualTo(line.path("text").asText());
    double sum = 0;
    for (JsonNode score : line.path("scores")) {
      sum += score.path("probability").asDouble();
    }
    assertThat(sum).isBetween(1 - 1e-12, 1 + 1e-12);
    assertThat(execute("generate", "--prompt", "abc", "--answer-prefix", "x").exitCode())
        .isNotZero();
  }

  private static Result execute(String... arguments) {
    return captured(() -> Nightjar.commandLine().execute(arguments));
  }

  private static Result captured(IntSupplier body) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (PrintStream captured = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
      System.setOut(captured);
      System.setErr(new PrintStream(PrintStream.nullOutputStream(), false, StandardCharsets.UTF_8));
      int exitCode = body.getAsInt();
      captured.flush();
      return new Result(exitCode, bytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }
}
