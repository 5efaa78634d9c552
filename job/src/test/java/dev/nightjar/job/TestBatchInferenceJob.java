package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.LlmFunctions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestBatchInferenceJob {
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
  void rowsKeepTheirOrderAndTheSummaryIsThatOfTheTable() throws IOException {
    Path output = folder.resolve("out");
    BatchInferenceJob.Outcome outcome =
        JobRuns.run(spark, JobRuns.arguments(model, JobRuns.input(folder, 23), output));
    assertThat(JobRuns.idsInFileOrder(spark, output))
        .isEqualTo(IntStream.range(0, 23).boxed().toList());
    Row sums =
        JobRuns.results(spark, output)
            .selectExpr(
                "sum(usage.prompt_tokens)",
                "sum(usage.completion_tokens)",
                "count(DISTINCT placement.partition_id)",
                "min(status)",
                "max(status)",
                "max(length(body))")
            .head();
    RunSummary summary = outcome.summary();
    assertThat(outcome.exitCode()).isZero();
    assertThat(summary.rowsIn()).isEqualTo(23);
    assertThat(summary.rowsOk()).isEqualTo(23);
    assertThat(summary.promptTokens()).isEqualTo(sums.getLong(0)).isPositive();
    assertThat(summary.completionTokens()).isEqualTo(sums.getLong(1)).isPositive();
    assertThat(sums.getLong(2)).isEqualTo(5);
    assertThat(sums.getString(3)).isEqualTo("ok").isEqualTo(sums.getString(4));
    assertThat(summary.meanLayers()).isEqualTo(TinyModel.LAYERS);
    assertThat(summary.computeSaved()).isZero();
    JsonNode json = new JsonMapper().readTree(summary.toJson("ok"));
    assertThat(json.path("rows").path("in").asLong()).isEqualTo(23);
    assertThat(json.path("run_id").asText()).isEqualTo(summary.runId());
    assertThat(json.path("output").asText()).isEqualTo(output.toString());
  }

  @Test
  void engineIsLoadedOncePerJvm() throws IOException {
    long before = ExecutorEngines.loads();
    JobRuns.run(
        spark,
        JobRuns.arguments(
            model, JobRuns.input(folder, 20), folder.resolve("out"), "engine.batch-size", "3"));
    assertThat(ExecutorEngines.loads() - before).isEqualTo(1);
  }

  @Test
  void countersOfARowAddUp() throws IOException {
    Path output = folder.resolve("out");
    JobRuns.run(
        spark,
        JobRuns.arguments(model, JobRuns.input(folder, 6), output, "depth", "unified:keep=0.5"));
    LlmFunctions.register(spark);
    List<Row> wrong =
        JobRuns.results(spark, output)
            .where(
                "NOT (compute.num_hidden_layers = 4"
                    + " AND compute.layers_executed + compute.layers_skipped"
                    + "   + compute.layers_exited = 4 * usage.completion_tokens"
                    + " AND compute.layers_executed_prefill + compute.layers_skipped_prefill"
                    + "   = 4 * (usage.prompt_tokens - 1"
                    + "          - usage.prompt_tokens_details.cached_tokens)"
                    + " AND aggregate(compute.layer_executions, 0L, (a, x) -> a + x)"
                    + "   = compute.layers_executed + compute.layers_executed_prefill"
                    + " AND aggregate(llm_exit_histogram(compute), 0, (a, x) -> a + x)"
                    + "   = usage.completion_tokens"
                    + " AND usage.total_tokens = usage.prompt_tokens + usage.completion_tokens"
                    + " AND abs(llm_compute_saved(compute) - compute.compute_saved) < 1e-6"
                    + " AND compute.compute_saved > 0.2 AND kv_share = 0.5)"
                        .replace("kv_share", "compute.kv_bytes / compute.kv_bytes_full"))
            .collectAsList();
    assertThat(wrong).isEmpty();
  }

  @Test
  void badRowsBecomeErrorRows() throws IOException {
    Path output = folder.resolve("out");
    Map<String, String> arguments =
        JobRuns.arguments(model, mixedInput(), output, "prompt.max-chars", "1000");
    RunSummary summary = JobRuns.run(spark, arguments).summary();
    assertThat(summary.rowsOk()).isEqualTo(2);
    assertThat(summary.rowsError()).isEqualTo(2);
    assertThat(summary.rowsSkippedNull()).isEqualTo(1);
    List<Row> rows =
        JobRuns.results(spark, output)
            .selectExpr("status", "text IS NULL", "error.code", "error.message", "compute IS NULL")
            .orderBy("id")
            .collectAsList();
    assertThat(rows)
        .extracting(row -> row.getString(0))
        .containsExactly("ok", "skipped_null", "error", "error", "ok");
    assertThat(rows)
        .extracting(row -> row.getBoolean(1))
        .containsExactly(false, true, true, true, false);
    assertThat(rows)
        .extracting(row -> row.getString(2))
        .containsExactly(null, null, "CONTEXT_OVERFLOW", "INVALID_PROMPT", null);
    assertThat(rows.get(3).getString(3)).contains("2000 characters, expected at most 1000");
    assertThat(rows)
        .extracting(row -> row.getBoolean(4))
        .containsExactly(false, true, true, true, false);
  }

  @Test
  void badRowsCanBeLeftOutOrFailTheRun() throws IOException {
    Path output = folder.resolve("out");
    RunSummary summary =
        JobRuns.run(
                spark,
                JobRuns.arguments(
                    model,
                    mixedInput(),
                    output,
                    "errors.mode",
                    "drop-malformed",
                    "prompt.max-chars",
                    "1000"))
            .summary();
    assertThat(summary.rowsDropped()).isEqualTo(2);
    assertThat(summary.errorRate()).isEqualTo(0.4);
    assertThat(JobRuns.texts(spark, output)).containsOnlyKeys("0", "1", "4");
    Map<String, String> failFast =
        JobRuns.arguments(model, mixedInput(), folder.resolve("none"), "errors.mode", "fail-fast");
    assertThatThrownBy(() -> JobRuns.run(spark, failFast))
        .isInstanceOf(IllegalStateException.class)
        .extracting(Failures::message)
        .asString()
        .containsPattern("row '[23]': the prompt has ");
  }

  @Test
  void tooManyBadRowsEndWithTheirOwnExitCode() throws IOException {
    Map<String, String> arguments =
        JobRuns.arguments(
            model, mixedInput(), folder.resolve("out"), "errors.max-error-rate", "0.3");
    assertThat(exitCode(arguments)).isEqualTo(RunCommand.TOO_MANY_ERRORS);
  }

  /**
   * The run may be stopped halfway, or just finish before the watcher looks; both are exit code 2.
   */
  private static int exitCode(Map<String, String> arguments) {
    try {
      return JobRuns.run(spark, arguments).exitCode();
    } catch (TooManyErrorsException e) {
      return RunCommand.TOO_MANY_ERRORS;
    }
  }

  @Test
  void limitQueryAndTemplateWorkTogether() throws IOException {
    Path output = folder.resolve("out");
    Map<String, String> arguments =
        JobRuns.arguments(
            model,
            JobRuns.input(folder, 23),
            output,
            "input.query",
            "SELECT id, body, id % 2 AS odd FROM input WHERE id >= 3",
            "input.limit",
            "7",
            "prompt.template",
            "{{odd}}: {{body}}");
    arguments.remove("prompt.column");
    JobRuns.run(spark, arguments);
    assertThat(JobRuns.idsInFileOrder(spark, output)).containsExactly(3, 4, 5, 6, 7, 8, 9);
  }

  @Test
  void rowsOfAShuffleAreEachThereOnce() throws IOException {
    Path output = folder.resolve("out");
    JobRuns.run(
        spark,
        JobRuns.arguments(
            model,
            JobRuns.input(folder, 23),
            output,
            "input.query",
            "SELECT id, max(body) AS body FROM input GROUP BY id"));
    assertThat(JobRuns.idsInFileOrder(spark, output))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, 23).boxed().toList());
  }

  @Test
  void keyIsTheHashOfThePromptUnlessGiven() throws IOException {
    Path output = folder.resolve("out");
    Map<String, String> arguments = JobRuns.arguments(model, JobRuns.input(folder, 3), output);
    arguments.remove("input.key-column");
    JobRuns.run(spark, arguments);
    assertThat(JobRuns.texts(spark, output))
        .hasSize(3)
        .allSatisfy((key, text) -> assertThat(key).matches("[0-9a-f]{64}"));
  }

  @Test
  void outputModesAddReplaceOrRefuse() throws IOException {
    Path output = folder.resolve("out");
    Path input = JobRuns.input(folder, 3);
    JobRuns.run(spark, JobRuns.arguments(model, input, output, "run.date", "2026-01-01"));
    RunSummary second =
        JobRuns.run(spark, JobRuns.arguments(model, input, output, "run.date", "2026-01-02"))
            .summary();
    assertThat(second.rowsResumed()).isEqualTo(3);
    assertThat(JobRuns.results(spark, output).count()).isEqualTo(3);
    JobRuns.run(
        spark,
        JobRuns.arguments(
            model, input, output, "run.date", "2026-01-02", "sampling.max-tokens", "4"));
    assertThat(JobRuns.results(spark, output).count()).isEqualTo(6);
    Path two = JobRuns.input(folder, 2);
    JobRuns.run(
        spark,
        JobRuns.arguments(
            model, two, output, "run.date", "2026-01-02", "output.mode", "overwrite-partitions"));
    assertThat(JobRuns.results(spark, output).count()).isEqualTo(5);
    Map<String, String> refused =
        JobRuns.arguments(model, input, output, "output.mode", "error-if-exists");
    assertThatThrownBy(() -> JobRuns.run(spark, refused))
        .extracting(Failures::message)
        .asString()
        .contains("already exists");
  }

  @Test
  void anEmptyInputIsARunWithoutRows() throws IOException {
    RunSummary summary =
        JobRuns.run(
                spark,
                JobRuns.arguments(
                    model,
                    JobRuns.input(folder, 3),
                    folder.resolve("out"),
                    "input.query",
                    "SELECT * FROM input WHERE id < 0"))
            .summary();
    assertThat(summary.rowsIn()).isZero();
    assertThat(summary.rowsOk()).isZero();
    assertThat(summary.errorRate()).isZero();
  }

  @Test
  void faultsOfTheInputAreToldBeforeTheRun() throws IOException {
    Path input = JobRuns.input(folder, 3);
    Path output = folder.resolve("out");
    Map<String, String> clash =
        JobRuns.arguments(model, input, output, "input.query", "SELECT *, 1 AS Model FROM input");
    assertThatThrownBy(() -> JobRuns.run(spark, clash))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("input column 'Model' has the name of a result column");
    Map<String, String> column = JobRuns.arguments(model, input, output, "prompt.column", "bodi");
    assertThatThrownBy(() -> JobRuns.run(spark, column))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("did you mean 'body'?");
    Map<String, String> noModel = JobRuns.arguments(folder.resolve("no-model"), input, output);
    assertThatThrownBy(() -> JobRuns.run(spark, noModel))
        .extracting(Failures::message)
        .asString()
        .contains("no-model");
  }

  /** Good, null, too long for the context, too long for the limit, good. */
  private Path mixedInput() throws IOException {
    return Files.write(
        folder.resolve("mixed.jsonl"),
        List.of(
            "{\"id\": 0, \"body\": \"hello\"}",
            "{\"id\": 1}",
            "{\"id\": 2, \"body\": \"" + "x".repeat(TinyModel.CONTEXT * 2) + "\"}",
            "{\"id\": 3, \"body\": \"" + "y".repeat(2000) + "\"}",
            "{\"id\": 4, \"body\": \"world\"}"));
  }
}
