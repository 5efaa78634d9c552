package dev.nightjar.job.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class TestBenchCommand {
  @TempDir private Path folder;

  @Test
  void engineRunsEveryDepthAndBatchAndPrintsJsonLast() throws IOException {
    Path model = new SyntheticModel(TestSyntheticModel.TINY, DType.Q8_0).file(folder);
    Path file = folder.resolve("out").resolve("bench.json");
    List<String> lines =
        bench(
            "engine",
            "allocation",
            "--quick",
            "--model",
            model.toString(),
            "--depth=full",
            "--depth=random:keep=0.5",
            "--batch=1,2",
            "--prompt=17",
            "--steps=5",
            "--rounds=2",
            "--commit=abc",
            "--json",
            file.toString());
    JsonNode json = new JsonMapper().readTree(lines.getLast());
    assertThat(json).isEqualTo(new JsonMapper().readTree(file.toFile()));
    assertThat(json.path("machine").path("commit").asText()).isEqualTo("abc");
    assertThat(json.path("engine").path("runs")).hasSize(8);
    for (JsonNode run : json.path("engine").path("runs")) {
      boolean full = run.path("depth").asText().equals("full");
      assertThat(run.path("tokens_per_second").path("median").asDouble()).isPositive();
      assertThat(run.path("fewer_operations").asDouble() > 1).isEqualTo(!full);
    }
    assertThat(json.path("allocation").path("runs")).hasSize(2);
    assertThat(lines).anyMatch(line -> line.contains("random:keep=0.5"));
  }

  @Test
  void unknownWordsAreNamed() {
    assertThatThrownBy(() -> call("kernel"))
        .isInstanceOf(EngineException.class)
        .hasMessage(
            "kernel is not a section of the benchmark, expected all or some of kernels, engine,"
                + " allocation, prefix, job, peers");
    assertThatThrownBy(() -> call("engine", "--shape", "gpt-5"))
        .isInstanceOf(EngineException.class)
        .hasMessageStartingWith("--shape gpt-5 is not known");
    assertThatThrownBy(() -> call("engine", "--shape=smollm2-135m", "--quant=q3"))
        .isInstanceOf(EngineException.class)
        .hasMessageStartingWith("--quant q3 is not known");
    assertThatThrownBy(() -> call("engine", "--rounds=0"))
        .isInstanceOf(EngineException.class)
        .hasMessage("--rounds is 0, expected 1 to 1048576");
    assertThat(Files.exists(Path.of(".nightjar", "bench", "models"))).isFalse();
  }

  /** What the command printed. */
  private static List<String> bench(String... arguments) {
    PrintStream before = System.out;
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    System.setOut(new PrintStream(bytes, true, StandardCharsets.UTF_8));
    try {
      call(arguments);
    } finally {
      System.setOut(before);
    }
    return new ArrayList<>(bytes.toString(StandardCharsets.UTF_8).lines().toList());
  }

  private static void call(String... arguments) {
    CommandLine command = new CommandLine(new BenchCommand());
    command.setExecutionExceptionHandler((thrown, line, parsed) -> {
      throw thrown;
    });
    command.parseArgs(arguments);
    try {
      ((BenchCommand) command.getCommand()).call();
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }
}
