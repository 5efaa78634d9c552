package dev.nightjar.job.calibrate;

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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command as a shell sees it. */
class TestCalibrateCommand {
  @TempDir private Path folder;

  private record Result(int exitCode, String out, String err) {}

  @AfterAll
  static void close() {
    ExecutorEngines.closeIdle();
  }

  @Test
  void lastLineIsTheSummaryAndTooFewRowsAreSaid() throws IOException {
    Path model = TinyRuns.model(folder.resolve("model"));
    Path input = TinyRuns.input(folder, 12);
    Path config =
        Files.writeString(
            folder.resolve("job.yaml"),
            """
            model: %s
            depth: unified:keep=0.5
            input:
              path: %s
              schema: id INT, body STRING
            prompt:
              column: body
            sampling:
              max-tokens: 4
              temperature: 0.7
            spark:
              master: local[1]
            """
                .formatted(model, input));
    Path out = folder.resolve("artefact");
    Result result =
        execute(
            "--config",
            config.toString(),
            "--method",
            "exit",
            "--out",
            out.toString(),
            "--exits",
            "1+3",
            "--key-column",
            "id",
            "--held-out",
            "0.5");
    assertThat(result.exitCode()).as(result.err()).isZero();
    JsonNode last = new JsonMapper().readTree(result.out().lines().toList().getLast());
    assertThat(last.path("status").asText()).isEqualTo("ok");
    assertThat(last.path("artefact").asText()).isEqualTo(out.toString());
    assertThat(last.path("rows").asInt()).isEqualTo(12);
    assertThat(last.path("held_out_rows").asInt()).isEqualTo(6);
    assertThat(last.path("passed").asBoolean()).isFalse();
    assertThat(result.err()).contains("it takes at least 299");
    JsonNode json = new JsonMapper().readTree(Files.readString(out.resolve("depth.json")));
    assertThat(json.path("exits").findValuesAsText("layer")).containsExactly("1", "3");
  }

  @Test
  void wrongUsageIsExitCodeOne() {
    assertThat(execute("--method", "nothing", "--out", "x").exitCode()).isEqualTo(1);
    assertThat(execute("--method", "exit").exitCode()).isEqualTo(1);
    assertThat(execute("--method", "exit", "--out", "x", "--answer-prefix", "y").err())
        .contains("--labels");
    String[] noLabels = {
      "--method", "2d", "--out", "x", "--model", "m", "--input", "i", "--prompt-column", "p"
    };
    assertThat(execute(noLabels).err()).contains("--method 2d needs --labels A,B");
    assertThat(execute("--help").out()).contains("adaskip").contains("--prompt-column");
  }

  private static Result execute(String... arguments) {
    PrintStream out = System.out;
    PrintStream err = System.err;
    ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
    ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
    try (PrintStream capturedOut = new PrintStream(outBytes, true, StandardCharsets.UTF_8);
        PrintStream capturedErr = new PrintStream(errBytes, true, StandardCharsets.UTF_8)) {
      System.setOut(capturedOut);
      System.setErr(capturedErr);
      int exitCode = CalibrateCommand.commandLine().execute(arguments);
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
