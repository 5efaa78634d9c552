package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Results in a Delta table; needs Delta's jar: {@code mvn verify -Pdelta}. */
@Tag("delta")
class TestDelta {
  @TempDir private static Path shared;
  private static Path model;
  private static SparkSession spark;

  @TempDir private Path folder;

  @BeforeAll
  static void open() throws IOException {
    model = TinyModel.write(shared.resolve("model"));
    Map<String, String> properties = new LinkedHashMap<>(TableFormats.sessionProperties("delta"));
    assertThat(properties).as("settings of a session with Delta's jar").isNotEmpty();
    properties.put("spark.master", "local[2]");
    properties.put("spark.sql.shuffle.partitions", "2");
    properties.put("spark.sql.warehouse.dir", shared.resolve("warehouse").toString());
    spark = SparkSessions.open("test", properties);
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  private Map<String, String> arguments(Path input, Path output, String... more) {
    Map<String, String> arguments = JobRuns.arguments(model, input, output, more);
    arguments.put("output.format", "delta");
    arguments.put("run.rows-per-chunk", "5");
    return arguments;
  }

  private static Dataset<Row> table(Path output) {
    return spark.read().format("delta").load(output.toString());
  }

  private static Map<String, String> texts(Dataset<Row> rows) {
    Map<String, String> texts = new LinkedHashMap<>();
    for (Row row : rows.select("custom_id", "text").orderBy("custom_id").collectAsList()) {
      assertThat(texts.put(row.getString(0), row.getString(1))).isNull();
    }
    return texts;
  }

  /** Rows of the table's own history, the first write first. */
  private static List<Row> history(Path output) {
    return spark.sql("DESCRIBE HISTORY delta.`" + output + "`").orderBy("version").collectAsList();
  }

  @Test
  void eachChunkIsATransactionAndTheRowsAreThoseOfParquet() throws IOException {
    Path input = JobRuns.input(folder, 12);
    Path output = folder.resolve("out");
    BatchInferenceJob.Outcome outcome = JobRuns.run(spark, arguments(input, output));
    assertThat(outcome.summary().rowsOk()).isEqualTo(12);
    assertThat(history(output)).hasSize(3);
    Path parquet = folder.resolve("parquet");
    JobRuns.run(spark, JobRuns.arguments(model, input, parquet));
    assertThat(texts(table(output))).isEqualTo(texts(JobRuns.results(spark, parquet)));
    assertThat(JobRuns.run(spark, arguments(input, output)).summary().rowsRun()).isZero();
    assertThat(history(output)).hasSize(3);
  }

  @Test
  void aRunThatWasCutShortGoesOnAndNewRowsAreAdded() throws IOException {
    Path output = folder.resolve("out");
    Map<String, String> first =
        arguments(JobRuns.input(folder, 7), output, "run.date", "2026-01-30", "input.limit", "5");
    assertThat(JobRuns.run(spark, first).summary().rowsOk()).isEqualTo(5);
    Map<String, String> second =
        arguments(JobRuns.input(folder, 12), output, "run.date", "2026-01-31");
    assertThat(JobRuns.run(spark, second).summary().rowsRun()).isEqualTo(7);
    assertThat(texts(table(output))).hasSize(12);
    assertThat(table(output).select("run_date").distinct().count()).isEqualTo(2);
  }

  @Test
  void aDateIsReplacedInOneTransaction() throws IOException {
    Path output = folder.resolve("out");
    Path input = JobRuns.input(folder, 7);
    JobRuns.run(spark, arguments(input, output, "run.date", "2026-01-30"));
    String[] replace = {"run.date", "2026-01-30", "output.mode", "overwrite-partitions"};
    int before = history(output).size();
    assertThat(JobRuns.run(spark, arguments(input, output, replace)).summary().rowsRun())
        .isEqualTo(7);
    assertThat(texts(table(output))).hasSize(7);
    assertThat(history(output)).hasSize(before + 1);
  }

  @Test
  void errorsAreRetriedAfterTheirRowsAreDeleted() throws IOException {
    Path output = folder.resolve("out");
    Path input = JobRuns.input(folder, 6);
    JobRuns.run(spark, arguments(input, output, "prompt.max-chars", "40"));
    long errors = table(output).where("status = 'error'").count();
    assertThat(errors).isPositive();
    assertThatThrownBy(() ->
            JobRuns.run(
                spark,
                arguments(input, output, "prompt.max-chars", "40", "run.retry-errors", "all")))
        .hasMessageContaining("DELETE FROM");
    spark.sql("DELETE FROM delta.`" + output + "` WHERE status = 'error'");
    assertThat(
            JobRuns.run(spark, arguments(input, output, "prompt.max-chars", "40"))
                .summary()
                .rowsRun())
        .isEqualTo(errors);
  }
}
