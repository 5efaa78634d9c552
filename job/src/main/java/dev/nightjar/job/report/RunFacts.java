package dev.nightjar.job.report;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import org.apache.spark.sql.Row;

/**
 * The sums of one run, as {@link dev.nightjar.udfs.ResultViews#runs} has them. Rates are over the
 * time from the start of the first row to the end of the last.
 *
 * @param depth the depth policy; null if no row reached the model
 */
record RunFacts(
    String runId,
    String runDate,
    String model,
    String fingerprint,
    String depth,
    Instant started,
    Instant finished,
    Rows rows,
    Tokens tokens,
    Work work) {

  /** SQL of the columns that {@link #of} reads. */
  static final String[] COLUMNS = {
    "run_id",
    "string(run_date) AS run_date",
    "model",
    "model_fingerprint",
    "depth_policy",
    "unix_micros(started_at) AS started_micros",
    "unix_micros(finished_at) AS finished_micros",
    "rows",
    "rows_ok",
    "rows_error",
    "rows_skipped_null",
    "rows_deduplicated",
    "rows_truncated",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "num_hidden_layers",
    "cells_executed",
    "cells",
    "flops",
    "flops_full",
    "cpu_seconds"
  };

  /** Rows by what became of them; those cut at the token limit are answered rows. */
  record Rows(long all, long ok, long error, long skippedNull, long deduplicated, long truncated) {}

  /**
   * Tokens of the rows that were computed.
   *
   * @param cached of the prompt tokens, those that another row had computed
   */
  record Tokens(long prompt, long cached, long completion) {}

  /**
   * What the model did.
   *
   * @param cells (token, layer) cells of a dense run of the tokens that were computed
   * @param flopsFull operations of a dense run of all tokens
   * @param cpuSeconds time of the decoders' threads
   */
  record Work(
      int numLayers,
      long cellsExecuted,
      long cells,
      double flops,
      double flopsFull,
      double cpuSeconds) {}

  static RunFacts of(Row row) {
    return new RunFacts(
        row.getAs("run_id"),
        row.getAs("run_date"),
        row.getAs("model"),
        row.getAs("model_fingerprint"),
        row.getAs("depth_policy"),
        instant(row.getAs("started_micros")),
        instant(row.getAs("finished_micros")),
        new Rows(
            count(row, "rows"),
            count(row, "rows_ok"),
            count(row, "rows_error"),
            count(row, "rows_skipped_null"),
            count(row, "rows_deduplicated"),
            count(row, "rows_truncated")),
        new Tokens(
            count(row, "prompt_tokens"),
            count(row, "cached_tokens"),
            count(row, "completion_tokens")),
        new Work(
            (int) count(row, "num_hidden_layers"),
            count(row, "cells_executed"),
            count(row, "cells"),
            number(row, "flops"),
            number(row, "flops_full"),
            number(row, "cpu_seconds")));
  }

  private static Instant instant(long micros) {
    return Instant.EPOCH.plus(micros, ChronoUnit.MICROS);
  }

  private static long count(Row row, String name) {
    return row.<Object>getAs(name) instanceof Number n ? n.longValue() : 0;
  }

  private static double number(Row row, String name) {
    return row.<Object>getAs(name) instanceof Number n ? n.doubleValue() : 0;
  }

  /** From the first row's start to the last one's end, at least a millisecond. */
  double seconds() {
    return Math.max(1e-3, ChronoUnit.MICROS.between(started, finished) / 1e6);
  }

  double rowsPerSecond() {
    return rows.all() / seconds();
  }

  /** Prompt and generated tokens. */
  double tokensPerSecond() {
    return (tokens.prompt() + tokens.completion()) / seconds();
  }

  /** Layers that a computed token ran in the mean. */
  double meanLayers() {
    return work.cells() == 0 ? 0 : (double) work.cellsExecuted() / work.cells() * work.numLayers();
  }

  /** Share of the cells of the computed tokens that did not run. */
  double cellsSaved() {
    return work.cells() == 0 ? 0 : 1 - (double) work.cellsExecuted() / work.cells();
  }

  /** Share of the dense run's operations that were not needed. */
  double computeSaved() {
    return work.flopsFull() == 0 ? 0 : 1 - work.flops() / work.flopsFull();
  }

  double errorRate() {
    return share(rows.error());
  }

  /** So many rows as a share of all. */
  double share(long part) {
    return rows.all() == 0 ? 0 : (double) part / rows.all();
  }
}
