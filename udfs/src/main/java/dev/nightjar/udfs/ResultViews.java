package dev.nightjar.udfs;

import static org.apache.spark.sql.functions.col;

import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.functions;

/** Temporary views over result tables: one row a run, and the rows that failed. */
public final class ResultViews {
  /** One row a run. */
  public static final String RUNS = "nightjar_runs";

  /** The rows with an error, the newest first. */
  public static final String ERRORS = "nightjar_errors";

  /** Rows whose answer was taken from another one carry its tokens, which count once. */
  private static final String OWN = " FILTER (WHERE status <> 'deduplicated')";

  private static final String[] RUN_SUMS = {
    "min(started_at) AS started_at",
    "max(finished_at) AS finished_at",
    "max(model) AS model",
    "max(model_fingerprint) AS model_fingerprint",
    "max(compute.depth_policy) AS depth_policy",
    "count(*) AS rows",
    "count_if(status = 'ok') AS rows_ok",
    "count_if(status = 'error') AS rows_error",
    "count_if(status = 'skipped_null') AS rows_skipped_null",
    "count_if(status = 'deduplicated') AS rows_deduplicated",
    "count_if(finish_reason = 'length') AS rows_truncated",
    "sum(usage.prompt_tokens)" + OWN + " AS prompt_tokens",
    "sum(usage.prompt_tokens_details.cached_tokens)" + OWN + " AS cached_tokens",
    "sum(usage.completion_tokens)" + OWN + " AS completion_tokens",
    "sum(compute.layers_executed) / sum(usage.completion_tokens)"
        + " FILTER (WHERE compute IS NOT NULL) AS mean_layers_per_token",
    "max(compute.num_hidden_layers) AS num_hidden_layers",
    "sum(compute.layers_executed + compute.layers_executed_prefill) AS cells_executed",
    "sum(compute.layers_executed + compute.layers_executed_prefill + compute.layers_skipped"
        + " + compute.layers_skipped_prefill + compute.layers_exited) AS cells",
    "sum(compute.flops) AS flops",
    "sum(compute.flops_full) AS flops_full",
    "1 - sum(compute.flops) / sum(compute.flops_full) AS compute_saved",
    "sum(metrics.cpu_time_ms) / 1000 AS cpu_seconds"
  };

  private ResultViews() {}

  /** Registers the views over tables of {@link ResultSchema}, of which there must be one. */
  public static void register(List<Dataset<Row>> tables) {
    Dataset<Row> all = null;
    for (Dataset<Row> table : tables) {
      Dataset<Row> columns =
          table.selectExpr(
              "run_id",
              "run_date",
              "custom_id",
              "request_hash",
              "model",
              "model_fingerprint",
              "status",
              "finish_reason",
              "error",
              "usage",
              "metrics",
              "compute",
              "placement",
              "options",
              "started_at",
              "finished_at");
      all = all == null ? columns : all.union(columns);
    }
    String name = "nightjar_results";
    all.createOrReplaceTempView(name);
    runs(all).orderBy(col("started_at").desc()).createOrReplaceTempView(RUNS);
    all.sparkSession()
        .sql(
            "SELECT run_id, run_date, custom_id, error.code, error.message, error.retriable,"
                + " usage.prompt_tokens, placement.host, options, started_at FROM "
                + name
                + " WHERE status = 'error' ORDER BY started_at DESC")
        .createOrReplaceTempView(ERRORS);
  }

  /** One row a run of a result table, with its sums. */
  public static Dataset<Row> runs(Dataset<Row> results) {
    Column[] sums = Arrays.stream(RUN_SUMS).map(functions::expr).toArray(Column[]::new);
    return results
        .groupBy("run_id", "run_date")
        .agg(sums[0], Arrays.copyOfRange(sums, 1, sums.length));
  }

  /** Whether a table has the columns of a result table. */
  public static boolean isResultTable(Dataset<Row> table) {
    List<String> names = List.of(table.columns());
    return names.containsAll(List.of(ResultSchema.columns().fieldNames()));
  }
}
