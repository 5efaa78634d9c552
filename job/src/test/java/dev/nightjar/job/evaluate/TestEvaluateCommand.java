package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.job.TinyRuns;
import dev.nightjar.udfs.ExecutorEngines;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as a shell sees it. */
class TestEvaluateCommand {
  @TempDir private static Path shared;
  private static Path model;

  @TempDir private Path folder;

  /** What the command gave. */
  private record Result(int exitCode, String out, String err) {
    JsonNode lastLine() throws IOException {
      return new JsonMapper().readTree(out.lines().toList().getLast());
    }
  }

  @BeforeAll
  static void write() throws IOException {
    model = TinyRuns.model(shared.resolve("model"));
  }

  @AfterAll
  static void close() {
    ExecutorEngines.closeIdle();
  }

  @Test
  void aRunConfigurationIsEvaluatedAsItIs() throws IOException {
    Path config =
        Files.writeString(
            folder.resolve("run.yaml"),
            """
            model: %s
            depth: unified:keep=0.5
            input:
              path: %s
              schema: id INT, body STRING
              key-column: id
            prompt:
              column: body
            sampling:
              max-tokens: 3
            output:
              path: %s
            """
                .formatted(model, TinyRuns.input(folder, 9), folder.resolve("not-used")));
    Path specs =
        Files.writeString(
            folder.resolve("specs.txt"),
            "# two specs\nstatic:keep=0+3  # first and last\n\nexit\n");
    Path out = folder.resolve("out");
    Result result =
        execute(
            "--config",
            config.toString(),
            "--depth",
            specs.toString(),
            "--shards",
            "2",
            "--bootstrap",
            "50",
            "--seed",
            "3",
            "--no-baselines",
            "--out",
            out.toString());
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode last = result.lastLine();
    assertThat(last.path("status").asText()).isEqualTo("ok");
    assertThat(last.path("metric").asText()).isEqualTo("agreement");
    assertThat(last.path("rows").asInt()).isEqualTo(9);
    assertThat(last.path("specs").findValuesAsText("depth"))
        .containsExactly("full", "static:keep=0+3", "exit");
    assertThat(result.out())
        .contains("static:keep=0+3", "prompt cells %", "completion cells %", "FFN layers");
    assertThat(Files.readString(out.resolve("evaluation.md"))).contains("](quality.svg)");
    JsonNode all = new JsonMapper().readTree(out.resolve("evaluation.json").toFile());
    assertThat(all.path("seed").asInt()).isEqualTo(3);
    assertThat(all.path("facts").path("options").asText()).contains("\"max_tokens\":3");
    assertThat(out.resolve("quality.svg")).isNotEmptyFile();
    assertThat(out.resolve("quality.png")).isNotEmptyFile();
    assertThat(folder.resolve("not-used")).doesNotExist();
  }

  @Test
  void failuresAreToldInTheLastLine() throws IOException {
    Path out = folder.resolve("out");
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--model",
                model.toString(),
                "--input",
                TinyRuns.input(folder, 3).toString(),
                "--set",
                "input.schema=id INT, body STRING",
                "--prompt-column",
                "body",
                "--out",
                out.toString(),
                "--task",
                "label",
                "--gold",
                "labl",
                "--depth"));
    arguments.add("no-such-policy");
    Result badSpec = execute(arguments.toArray(new String[0]));
    assertThat(badSpec.exitCode()).isEqualTo(1);
    assertThat(badSpec.lastLine().path("status").asText()).isEqualTo("failed");
    assertThat(badSpec.lastLine().path("error").asText()).contains("\"no-such-policy\" is unknown");
    arguments.set(arguments.size() - 1, "unified:keep=0.5");
    Result badColumn = execute(arguments.toArray(new String[0]));
    assertThat(badColumn.exitCode()).isEqualTo(1);
    assertThat(badColumn.lastLine().path("error").asText())
        .contains("gold column 'labl' is not in the input, which has [id, body]");
    assertThat(badColumn.err()).contains("nightjar: gold column 'labl'");
    assertThat(out.resolve("results")).doesNotExist();
  }

  @Test
  void taskAndGoldMustFit() throws IOException {
    assertThat(error("--task", "exact")).contains("--task exact needs --gold COLUMN");
    assertThat(error("--task", "json", "--gold", "x")).contains("--task json needs --gold-fields");
    assertThat(error("--gold", "x")).contains("--task agreement takes neither");
    assertThat(error("--task", "choose", "--gold", "x"))
        .contains("--task choose needs --gold COLUMN and --labels A,B");
    assertThat(error("--task", "label", "--gold", "x", "--labels", "a,b"))
        .contains("--task label needs --gold COLUMN, and no --gold-fields or --labels");
    assertThat(error("--confidence", "1")).contains("--confidence is 1.0");
    assertThat(error("--metric", "rouge")).contains("expected one of [json_valid, agreement]");
    assertThat(error("--set", "x")).contains("--set x: expected key=value");
    assertThat(execute("--no-such-flag").exitCode()).isEqualTo(1);
  }

  @Test
  void helpNamesTheFlagsOfTheJobThatMeanSomethingHere() {
    String help = execute("--help").out();
    assertThat(help).contains("--gold-fields", "--prompt-column", "--batch-size", "--key-column");
    assertThat(help).doesNotContain("--output", "--on-error", "--run-date");
  }

  private static String error(String... more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("--out", "x", "--depth", "full"));
    arguments.addAll(List.of(more));
    Result result = execute(arguments.toArray(new String[0]));
    assertThat(result.exitCode()).isEqualTo(1);
    return result.lastLine().path("error").asText();
  }

  private static Result execute(String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "evaluate";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    try (PrintStream newOut = new PrintStream(outBytes, true, StandardCharsets.UTF_8);
        PrintStream newErr = new PrintStream(errBytes, true, StandardCharsets.UTF_8)) {
      System.setOut(newOut);
      System.setErr(newErr);
      int exitCode = TinyRuns.execute(all);
      return new Result(
          exitCode,
          outBytes.toString(StandardCharsets.UTF_8),
          errBytes.toString(StandardCharsets.UTF_8));
    } finally {
      System.setOut(out);
      System.setErr(err);
    }
  }
}
