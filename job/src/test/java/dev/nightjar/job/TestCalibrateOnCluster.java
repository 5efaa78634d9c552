package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two executors, each a process of its own, give the artefact of one thread, byte for byte. */
class TestCalibrateOnCluster {
  private static final int ROWS = 24;

  @TempDir private Path folder;

  @AfterAll
  static void close() {
    ExecutorEngines.closeIdle();
  }

  @Test
  void twoExecutorsGiveTheArtefactOfOneThread() throws IOException {
    Path model = TinyModel.write(folder.resolve("model"));
    Path input = JobRuns.input(folder, ROWS);
    Path clustered = folder.resolve("clustered");
    Path local = folder.resolve("local");
    try (StandaloneCluster cluster = StandaloneCluster.start(folder.resolve("spark"))) {
      String log =
          cluster.submit(Nightjar.class.getName(), arguments(model, input, clustered, "calibrate"));
      assertThat(log.lines().toList().getLast()).startsWith("{").contains("\"status\":\"ok\"");
    }
    List<String> here = arguments(model, input, local, "calibrate");
    here.addAll(List.of("--set", "spark.master=local[1]", "--partitions", "3"));
    assertThat(Nightjar.commandLine().execute(here.toArray(new String[0]))).isZero();
    assertThat(clustered.resolve("depth.json")).hasSameBinaryContentAs(local.resolve("depth.json"));
    assertThat(clustered.resolve("depth.safetensors"))
        .hasSameBinaryContentAs(local.resolve("depth.safetensors"));
  }

  private static List<String> arguments(Path model, Path input, Path out, String command) {
    return new ArrayList<>(
        List.of(
            command,
            "--method",
            "gates",
            "--model",
            model.toString(),
            "--input",
            input.toString(),
            "--set",
            "input.schema=id INT, body STRING",
            "--key-column",
            "id",
            "--prompt-column",
            "body",
            "--max-tokens",
            "6",
            "--tolerance",
            "0.9",
            "--held-out",
            "0.5",
            "--out",
            out.toString()));
  }
}
