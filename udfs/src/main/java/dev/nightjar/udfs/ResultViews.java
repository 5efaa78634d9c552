package dev.nightjar.udfs;

import java.util.List;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Temporary views over result tables: one row a run, and the rows that failed. */
public final class ResultViews {
  /** One row a run. */
  public static final String RUNS = "nightjar_runs";

  /** The rows with an error, the newest first. */
  public static final String ERRORS = "nightjar_errors";

  private static final String[] RUN_SUMS = {
    "run_id",
    "run_date",
    "min(started_at) AS started_at",
    "max(finished_at) AS finished_at",
    "max(model) AS model",
    "max(compute.depth_policy) AS depth_policy",
    "count(*) AS rows",
    "count_if(status = 'ok') AS rows_ok",
    "count_if(status = 'error') AS rows_error",
    "count_if(status = 'skipped_null') AS rows_skipped_null",
    "count_if(status = 'deduplicated') AS rows_deduplicated",
    "count_if(finish_reason = 'length') AS rows_truncated",
    "sum(usage.prompt_tokens) AS prompt_tokens",
    "sum(usage.prompt_tokens_details.cached_tokens) AS cached_tokens",
    "sum(usage.completion_tokens) AS completion_tokens",
    "sum(compute.layers_executed) / sum(usage.completion_tokens)"
        + " FILTER (WHERE compute IS NOT NULL) AS mean_layers_per_token",
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
    all.sparkSession()
        .sql(
            "SELECT "
                + String.join(", ", RUN_SUMS)
                + " FROM "
                + name
                + " GROUP BY run_id, run_date ORDER BY started_at DESC")
        .createOrReplaceTempView(RUNS);
    all.sparkSession()
        .sql(
            "SELECT run_id, run_date, custom_id, error.code, error.message, error.retriable,"
                + " usage.prompt_tokens, placement.host, options, started_at FROM "
                + name
                + " WHERE status = 'error' ORDER BY started_at DESC")
        .createOrReplaceTempView(ERRORS);
  }

  /** Whether a table has the columns of a result table. */
  public static boolean isResultTable(Dataset<Row> table) {
    List<String> names = List.of(table.columns());
    return names.containsAll(List.of(ResultSchema.columns().fieldNames()));
  }
}
