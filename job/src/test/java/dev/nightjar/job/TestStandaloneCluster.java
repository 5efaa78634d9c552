package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.NightjarPlugin;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The job on a real Master and two Workers, each a process of its own. */
class TestStandaloneCluster {
  private static final int ROWS = 23;
  private static final String CSV = "spark.metrics.conf.executor.sink.csv.";

  @TempDir private static Path shared;
  private static StandaloneCluster cluster;
  private static Path model;
  private static Path input;

  @TempDir private Path folder;

  @BeforeAll
  static void start() throws IOException {
    model = TinyModel.write(shared.resolve("model"));
    input = JobRuns.input(shared, ROWS);
    cluster = StandaloneCluster.start(shared.resolve("spark"), 2);
  }

  @AfterAll
  static void close() throws IOException {
    cluster.close();
    ExecutorEngines.closeIdle();
  }

  private Map<String, String> arguments(Path output) {
    return JobRuns.arguments(model, input, output, "run.rows-per-task", "3");
  }

  /** Through spark-submit's own main class. */
  @Test
  void clusterGivesTheSameRowsAsOneThread() throws IOException {
    Path local = folder.resolve("local");
    Path clustered = folder.resolve("cluster");
    String log = cluster.submit(BatchInferenceJob.class.getName(), flags(arguments(clustered)));
    assertThat(log.lines().toList().getLast()).startsWith("{").contains("\"status\":\"ok\"");
    SparkSession spark = JobRuns.session("local[1]");
    try {
      JobRuns.run(spark, JobRuns.arguments(model, input, local));
      Map<String, String> expected = JobRuns.texts(spark, local);
      assertThat(expected).hasSize(ROWS);
      assertThat(JobRuns.texts(spark, clustered)).isEqualTo(expected);
      assertThat(rowsByExecutor(spark, clustered)).hasSize(2);
    } finally {
      spark.stop();
    }
    assertThat(Files.exists(clustered.resolve("_SUCCESS"))).isTrue();
  }

  private static List<String> flags(Map<String, String> arguments) {
    List<String> flags = new ArrayList<>();
    arguments.forEach((key, value) -> flags.addAll(List.of("--set", key + "=" + value)));
    return flags;
  }

  private static Map<String, Long> rowsByExecutor(SparkSession spark, Path output) {
    Map<String, Long> rows = new TreeMap<>();
    for (Row row :
        JobRuns.results(spark, output).groupBy("placement.executor_id").count().collectAsList()) {
      rows.put(row.getString(0), row.getLong(1));
    }
    return rows;
  }

  /** Each executor's own go to its sinks, here files; the driver's page has their sums. */
  @Test
  void gaugesOfTheExecutorsReachTheDriver() throws IOException {
    Path output = folder.resolve("out");
    Path sink = Files.createDirectory(folder.resolve("sink"));
    Map<String, String> properties = new HashMap<>(PrometheusPage.properties());
    properties.put("spark.plugins", NightjarPlugin.class.getName());
    properties.put("spark.metrics.namespace", "nightjar");
    properties.put(CSV + "class", "org.apache.spark.metrics.sink.CsvSink");
    properties.put(CSV + "directory", sink.toString());
    properties.put(CSV + "period", "1");
    SparkSession spark = cluster.session(properties);
    try {
      JobRuns.run(spark, arguments(output));
      ClusterRuns.await(() -> PrometheusPage.of(spark).gauge("rows") == ROWS);
      PrometheusPage page = PrometheusPage.of(spark);
      assertThat(page.gauge("executors")).isEqualTo(2);
      assertThat(page.gauge("engineLoads")).isEqualTo(2);
      assertThat(page.gauge("completionTokens"))
          .isEqualTo(
              JobRuns.results(spark, output)
                  .selectExpr("CAST(sum(usage.completion_tokens) AS DOUBLE)")
                  .head()
                  .getDouble(0));
      rowsByExecutor(spark, output)
          .forEach((executor, rows) -> ClusterRuns.await(() -> lastRows(sink, executor) == rows));
    } finally {
      spark.stop();
      ClusterRuns.await(() -> cluster.executors().isEmpty());
    }
  }

  @Test
  void executorsThatTakeWholeWorkersHaveATaskForEachOfTheirCores() {
    SparkSession spark = cluster.sessionOfWholeWorkers();
    try {
      MemoryCheck.Room room = MemoryCheck.Room.of(spark);
      assertThat(room.tasks()).isEqualTo(2);
      assertThat(room.isLocal()).isFalse();
    } finally {
      spark.stop();
      ClusterRuns.await(() -> cluster.executors().isEmpty());
    }
  }

  /** The last value of an executor's gauge {@code rows}; 0 while there is none. */
  private static long lastRows(Path sink, String executor) {
    Path file =
        sink.resolve(
            "nightjar.%s.plugin.%s.rows.csv".formatted(executor, NightjarPlugin.class.getName()));
    try {
      String last = Files.exists(file) ? Files.readAllLines(file).getLast() : "t,value";
      return last.equals("t,value") ? 0 : Long.parseLong(last.split(",", 2)[1]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
