package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A thousand rows that wish the job ill: each has its result, and the run is a good one. */
class TestHostileRows {
  private static final String PROMPT_TOKENS =
      "SELECT id, body, usage.prompt_tokens FROM results WHERE status = 'ok' ORDER BY id";

  @TempDir private static Path shared;
  private static Path model;
  private static SparkSession spark;

  @TempDir private Path folder;

  @BeforeAll
  static void open() throws IOException {
    model = TinyModel.write(shared.resolve("model"));
    spark = JobRuns.session("local[2]");
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  @Test
  void textsOfAllKinds() {
    Path input = HostileRows.texts(spark, folder.resolve("in"), HostileRows.TEXTS);
    Dataset<Row> rows = run(input, "prompt.max-chars", "20000000");
    checkEach(rows, HostileRows.TEXTS);
    // One token per byte: whatever looks like a control token is text.
    for (Row row : spark.sql(PROMPT_TOKENS).collectAsList()) {
      int bytes = row.getString(1).getBytes(StandardCharsets.UTF_8).length;
      assertThat(row.getInt(2)).as("row %s", row.get(0)).isEqualTo(bytes + 2);
    }
    checkFunction(input, rows);
  }

  @Test
  void conversationsWithoutRolesOrContents() {
    Path input = HostileRows.conversations(spark, folder.resolve("in"));
    Dataset<Row> rows = run(input, "prompt.column", "", "prompt.messages-column", "body");
    checkEach(rows, HostileRows.CONVERSATIONS);
    checkFunction(input, rows);
  }

  /** What is put in does not become part of the template, and null columns leave nothing. */
  @Test
  void templatesAreFilledOnce() {
    Path input = HostileRows.texts(spark, folder.resolve("in"), HostileRows.TEMPLATES);
    Dataset<Row> rows =
        run(
            input,
            "prompt.column",
            "",
            "prompt.template",
            "Row {{id}}: {{body}}",
            "prompt.max-chars",
            "1000000");
    rows.createOrReplaceTempView("results");
    assertThat(rows.count()).isEqualTo(HostileRows.TEMPLATES);
    List<Row> odd =
        spark
            .sql(
                "SELECT id, status, error FROM results WHERE status = 'skipped_null'"
                    + " OR (status = 'ok') != (expected IN ('ok', 'skipped_null'))"
                    + " OR length(body) > 1000000 AND error.code != 'INVALID_PROMPT'")
            .collectAsList();
    assertThat(odd).isEmpty();
    for (Row row : spark.sql(PROMPT_TOKENS).collectAsList()) {
      String text = "Row " + row.get(0) + ": " + (row.isNullAt(1) ? "" : row.getString(1));
      assertThat(row.getInt(2)).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length + 2);
    }
  }

  @Test
  void linesOfOtherTypesAndBrokenLines() throws IOException {
    Path input = HostileRows.lines(folder.resolve("in.jsonl"));
    Map<String, String> arguments =
        JobRuns.arguments(model, input, folder.resolve("out"), "run.deduplicate", "false");
    arguments.put("input.schema", "id INT, expected STRING, body STRING");
    BatchInferenceJob.Outcome outcome = JobRuns.run(spark, arguments);
    assertThat(outcome.exitCode()).isZero();
    Dataset<Row> rows = JobRuns.results(spark, folder.resolve("out"));
    checkEach(rows.na().fill("skipped_null", new String[] {"expected"}), HostileRows.LINES);
  }

  private Dataset<Row> run(Path input, String... more) {
    Path output = folder.resolve("out");
    Map<String, String> arguments = JobRuns.arguments(model, input, output, more);
    arguments.values().removeIf(String::isEmpty);
    arguments.remove("input.schema");
    arguments.put("input.format", "parquet");
    arguments.put("run.deduplicate", "false");
    arguments.put("run.rows-per-task", "64");
    arguments.put("errors.max-error-rate", "1");
    assertThat(JobRuns.run(spark, arguments).exitCode()).isZero();
    return JobRuns.results(spark, output);
  }

  /** Every row once, with the status or error that it must have. */
  private static void checkEach(Dataset<Row> rows, int count) {
    rows.createOrReplaceTempView("results");
    assertThat(rows.count()).isEqualTo(count);
    List<Row> odd =
        spark
            .sql(
                "SELECT id, expected, status, error, left(body::string, 80) FROM results"
                    + " WHERE expected != CASE status WHEN 'error' THEN error.code ELSE status END"
                    + " OR (status = 'ok') != (text IS NOT NULL AND error IS NULL)"
                    + " OR (status = 'error') != (error.message IS NOT NULL)")
            .collectAsList();
    assertThat(odd).isEmpty();
  }

  /** The SQL function gives the same texts and errors. */
  private static void checkFunction(Path input, Dataset<Row> rows) {
    rows.createOrReplaceTempView("results");
    spark.read().parquet(input.toString()).createOrReplaceTempView("hostile");
    List<Row> others =
        spark
            .sql(
                "SELECT r.id, r.error, f.r.error FROM results r JOIN (SELECT id, llm_generate(body,"
                    + " model => '"
                    + model
                    + "', max_tokens => 8, max_prompt_chars => 20000000) AS r FROM hostile) f ON"
                    + " r.id = f.id WHERE NOT (f.r.text <=> r.text AND f.r.error.code <=>"
                    + " r.error.code AND (f.r IS NULL) = (r.status = 'skipped_null'))")
            .collectAsList();
    assertThat(others).isEmpty();
  }
}
