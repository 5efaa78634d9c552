package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The job through spark-submit's own main class on a real Master and two Workers, each a process of
 * its own.
 */
class TestStandaloneCluster {
  private static final int ROWS = 23;

  @TempDir private Path folder;

  @Test
  void clusterGivesTheSameRowsAsOneThread() throws IOException {
    Path model = TinyModel.write(folder.resolve("model"));
    Path input = JobRuns.input(folder, ROWS);
    Path local = folder.resolve("local");
    Path clustered = folder.resolve("cluster");
    try (StandaloneCluster cluster = StandaloneCluster.start(folder.resolve("spark"))) {
      String log =
          cluster.submit(
              BatchInferenceJob.class.getName(),
              flags(JobRuns.arguments(model, input, clustered, "run.rows-per-task", "3")));
      assertThat(log.lines().toList().getLast()).startsWith("{").contains("\"status\":\"ok\"");
    }
    SparkSession spark = JobRuns.session("local[1]");
    try {
      JobRuns.run(spark, JobRuns.arguments(model, input, local));
      Map<String, String> expected = JobRuns.texts(spark, local);
      assertThat(expected).hasSize(ROWS);
      assertThat(JobRuns.texts(spark, clustered)).isEqualTo(expected);
      List<Row> executors =
          JobRuns.results(spark, clustered)
              .selectExpr("placement.executor_id")
              .distinct()
              .collectAsList();
      assertThat(executors).hasSize(2);
    } finally {
      spark.stop();
      ExecutorEngines.closeIdle();
    }
    assertThat(Files.exists(clustered.resolve("_SUCCESS"))).isTrue();
  }

  private static List<String> flags(Map<String, String> arguments) {
    List<String> flags = new ArrayList<>();
    arguments.forEach((key, value) -> flags.addAll(List.of("--set", key + "=" + value)));
    return flags;
  }
}
