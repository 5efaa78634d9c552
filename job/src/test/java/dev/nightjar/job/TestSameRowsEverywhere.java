package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A row's text does not depend on threads, tasks, batch companions or prompt chunks. */
class TestSameRowsEverywhere {
  private static final int ROWS = 23;

  @TempDir private static Path shared;
  private static Path model;
  private static Path input;
  private static SparkSession spark;
  private static Map<String, String> greedy;
  private static Map<String, String> sampled;

  @TempDir private Path folder;

  @BeforeAll
  static void runOnOneThread() throws IOException {
    model = TinyModel.write(shared.resolve("model"));
    input = JobRuns.input(shared, ROWS);
    spark = JobRuns.session("local[1]");
    greedy = texts(shared.resolve("greedy"));
    sampled = texts(shared.resolve("sampled"), SAMPLING);
    spark.stop();
    spark = JobRuns.session("local[2]");
    assertThat(greedy).hasSize(ROWS);
    assertThat(new HashSet<>(greedy.values())).hasSizeGreaterThan(1);
    assertThat(sampled).isNotEqualTo(greedy);
  }

  private static final String[] SAMPLING = {
    "sampling.temperature", "0.8", "sampling.top-p", "0.9", "sampling.seed", "3"
  };

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  @Test
  void twoThreadsGiveTheSameRowsAsOne() {
    assertThat(texts(folder.resolve("out"))).isEqualTo(greedy);
    assertThat(texts(folder.resolve("sampled"), SAMPLING)).isEqualTo(sampled);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "7", "32"})
  void batchSizeDoesNotMatter(String batchSize) {
    assertThat(texts(folder.resolve("out"), "engine.batch-size", batchSize)).isEqualTo(greedy);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "16", "0"})
  void promptChunkDoesNotMatter(String promptChunk) {
    assertThat(texts(folder.resolve("out"), "engine.prompt-chunk", promptChunk)).isEqualTo(greedy);
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "1000"})
  void tasksDoNotMatter(String rowsPerTask) {
    List<String> more = new ArrayList<>(List.of(SAMPLING));
    more.addAll(List.of("run.rows-per-task", rowsPerTask));
    assertThat(texts(folder.resolve("out"), more.toArray(new String[0]))).isEqualTo(sampled);
  }

  private static Map<String, String> texts(Path output, String... more) {
    JobRuns.run(spark, JobRuns.arguments(model, input, output, more));
    return JobRuns.texts(spark, output);
  }
}
