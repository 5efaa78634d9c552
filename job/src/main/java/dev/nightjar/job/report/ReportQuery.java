package dev.nightjar.job.report;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.expr;

import dev.nightjar.job.report.ReportData.ErrorGroup;
import dev.nightjar.job.report.ReportData.Group;
import dev.nightjar.job.report.ReportData.Interval;
import dev.nightjar.job.report.ReportData.RowLine;
import dev.nightjar.udfs.LlmFunctions;
import dev.nightjar.udfs.ResultViews;
import dev.nightjar.udfs.RunProfile;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/** Reads what a page says from a result table: sums by Spark, and a few rows. */
final class ReportQuery {
  /** Groups and rows that a table of the page has at most. */
  private static final int LINES = 10;

  private static final int MOST_INTERVALS = 60;
  private static final int KEY_CHARS = 120;
  private static final int MESSAGE_CHARS = 300;
  private static final int OPTIONS_CHARS = 4000;

  /** Lengths of intervals in seconds. */
  private static final long[] LENGTHS = {
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400
  };

  private final Dataset<Row> table;

  ReportQuery(Dataset<Row> table) {
    this.table = table;
  }

  /** A run, or the one that began last. */
  Optional<RunFacts> run(Optional<String> runId) {
    return newest(runId.map(id -> table.where(col("run_id").equalTo(id))).orElse(table));
  }

  private Optional<RunFacts> before(RunFacts run) {
    return newest(
        table
            .where(col("run_id").notEqual(run.runId()))
            .where("unix_micros(started_at) < " + micros(run)));
  }

  private static Optional<RunFacts> newest(Dataset<Row> rows) {
    return ResultViews.runs(rows)
        .orderBy(col("started_at").desc())
        .limit(1)
        .selectExpr(RunFacts.COLUMNS)
        .collectAsList()
        .stream()
        .map(RunFacts::of)
        .findFirst();
  }

  private static long micros(RunFacts run) {
    return ChronoUnit.MICROS.between(Instant.EPOCH, run.started());
  }

  /** All about a run. */
  ReportData data(RunFacts run, Optional<RunProfile> profile) {
    Dataset<Row> rows =
        table
            .where(col("run_id").equalTo(run.runId()))
            .where(col("run_date").cast("string").equalTo(run.runDate()));
    long length = intervalSeconds(run.seconds());
    int layers = Math.max(1, run.work().numLayers());
    String options = rows.selectExpr("coalesce(max(options), '')").head().getString(0);
    return new ReportData(
        run,
        before(run),
        Figures.shorten(options, OPTIONS_CHARS),
        length,
        time(rows, run, length),
        layerShares(rows),
        counts(
            rows.selectExpr("posexplode(compute.exit_layer_histogram) AS (bin, n)"),
            "sum(n)",
            layers + 1),
        counts(
            rows.where("compute IS NOT NULL")
                .selectExpr(
                    "least(%d, floor(compute.mean_layers_per_token / %d * %d)) AS bin"
                        .formatted(ReportData.DEPTH_STEPS - 1, layers, ReportData.DEPTH_STEPS)),
            "count(*)",
            ReportData.DEPTH_STEPS),
        finishReasons(rows),
        errors(rows),
        lines(rows, col("metrics.cpu_time_ms").desc()),
        lines(rows, col("compute.mean_layers_per_token").asc()),
        profile);
  }

  /** The shortest length with which there are not too many intervals. */
  static long intervalSeconds(double seconds) {
    for (long length : LENGTHS) {
      if (seconds <= length * MOST_INTERVALS) {
        return length;
      }
    }
    return (long) Math.ceil(seconds / MOST_INTERVALS);
  }

  private static List<Interval> time(Dataset<Row> rows, RunFacts run, long length) {
    int count = (int) (run.seconds() / length) + 1;
    List<Interval> intervals =
        new ArrayList<>(Collections.nCopies(count, new Interval(0, 0, 0, 0)));
    String own = "if(status = 'deduplicated', 0, %s)";
    rows.groupBy(
            expr(
                "least(%d, greatest(0, floor((unix_micros(finished_at) - %d) / %d)))"
                    .formatted(count - 1, micros(run), length * 1_000_000)))
        .agg(
            expr("count(*)"),
            expr("count_if(status = 'error')"),
            expr("sum(" + own.formatted("usage.prompt_tokens") + ")"),
            expr("sum(" + own.formatted("usage.completion_tokens") + ")"))
        .collectAsList()
        .forEach(r ->
            intervals.set(
                (int) r.getLong(0),
                new Interval(r.getLong(1), r.getLong(2), r.getLong(3), r.getLong(4))));
    return intervals;
  }

  private static List<Double> layerShares(Dataset<Row> rows) {
    LlmFunctions.register(rows.sparkSession());
    Row layers = rows.selectExpr("llm_depth_profile(compute).layers").head();
    return layers.<Row>getList(0).stream().map(layer -> layer.<Double>getAs("share")).toList();
  }

  /** Sums by the column {@code bin}, which is from 0 to before {@code size}. */
  private static List<Long> counts(Dataset<Row> bins, String sum, int size) {
    List<Long> counts = new ArrayList<>(Collections.nCopies(size, 0L));
    for (Row row : bins.groupBy("bin").agg(expr(sum)).collectAsList()) {
      counts.set(((Number) row.get(0)).intValue(), row.getLong(1));
    }
    return counts;
  }

  private static List<Group> finishReasons(Dataset<Row> rows) {
    return rows
        .groupBy(expr("coalesce(finish_reason, status)"))
        .agg(expr("count(*) AS n"))
        .orderBy(col("n").desc())
        .limit(LINES)
        .collectAsList()
        .stream()
        .map(r -> new Group(r.getString(0), r.getLong(1)))
        .toList();
  }

  private static List<ErrorGroup> errors(Dataset<Row> rows) {
    return rows
        .where("status = 'error'")
        .groupBy(expr("error.code"), expr("error.retriable"))
        .agg(
            expr("count(*) AS n"),
            expr("min_by(left(custom_id, %d), started_at)".formatted(KEY_CHARS + 1)),
            expr("min_by(left(error.message, %d), started_at)".formatted(MESSAGE_CHARS + 1)))
        .orderBy(col("n").desc())
        .limit(LINES)
        .collectAsList()
        .stream()
        .map(r ->
            new ErrorGroup(
                r.getString(0),
                r.getBoolean(1),
                r.getLong(2),
                Figures.shorten(r.getString(3), KEY_CHARS),
                Figures.shorten(r.getString(4), MESSAGE_CHARS)))
        .toList();
  }

  private static List<RowLine> lines(Dataset<Row> rows, Column order) {
    return rows
        .where("compute IS NOT NULL AND metrics IS NOT NULL")
        .orderBy(order, col("custom_id"))
        .limit(LINES)
        .selectExpr(
            "left(custom_id, %d)".formatted(KEY_CHARS + 1),
            "coalesce(finish_reason, status)",
            "usage.prompt_tokens",
            "usage.completion_tokens",
            "metrics.cpu_time_ms",
            "double(compute.mean_layers_per_token)",
            "double(compute.compute_saved)")
        .collectAsList()
        .stream()
        .map(r ->
            new RowLine(
                Figures.shorten(r.getString(0), KEY_CHARS),
                r.getString(1),
                r.getInt(2),
                r.getInt(3),
                r.getDouble(4),
                r.getDouble(5),
                r.getDouble(6)))
        .toList();
  }
}
