package dev.nightjar.job;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.expr;
import static org.apache.spark.sql.functions.rand;
import static org.apache.spark.sql.functions.sum;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.udfs.InputSlices;
import dev.nightjar.udfs.NightjarInference;
import dev.nightjar.udfs.ResultSchema;
import java.util.List;
import java.util.Locale;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What a run would take, told by a few of its rows; writes nothing.
 *
 * @param rows rows of the input
 * @param sampled rows that were run
 * @param promptTokens prompt tokens of the sampled rows
 * @param completionTokens tokens they generated
 * @param coreSeconds of the sampled rows
 */
record DryRun(
    long rows,
    long sampled,
    long errors,
    long promptTokens,
    long completionTokens,
    double coreSeconds) {
  /** Rows of the sample at most. */
  static final int SAMPLE = 64;

  private static final double SECONDS_PER_HOUR = 3600;

  /** Runs a sample that is spread over the input, in one task. */
  static DryRun of(Dataset<Row> input, JobConfig config) {
    long[] counts = InputSlices.counts(input);
    long total = 0;
    for (long count : counts) {
      total += count;
    }
    long limit = config.input().limit();
    long rows = limit > 0 ? Math.min(total, limit) : total;
    Dataset<Row> taken = rows < total ? input.limit(Math.toIntExact(rows)) : input;
    Dataset<Row> sample = rows <= SAMPLE ? taken : taken.orderBy(rand(0)).limit(SAMPLE);
    Row sums =
        NightjarInference.generate(sample.repartition(1), config.inference())
            .agg(
                count("*"),
                expr("count_if(status = '" + ResultSchema.ERROR + "')"),
                sum(col("usage.prompt_tokens")),
                sum(col("usage.completion_tokens")),
                sum(col("metrics.cpu_time_ms")))
            .head();
    return new DryRun(
        rows,
        sums.getLong(0),
        sums.getLong(1),
        sums.isNullAt(2) ? 0 : sums.getLong(2),
        sums.isNullAt(3) ? 0 : sums.getLong(3),
        sums.isNullAt(4) ? 0 : sums.getDouble(4) / 1000);
  }

  private double scale() {
    return sampled == 0 ? 0 : (double) rows / sampled;
  }

  /** Core-hours of the whole run. */
  double coreHours() {
    return coreSeconds * scale() / SECONDS_PER_HOUR;
  }

  /** Lines for people. */
  List<String> lines() {
    return List.of(
        String.format(
            Locale.ROOT,
            "sample      %,d of %,d rows, %,d with errors; nothing was written",
            sampled,
            rows,
            errors),
        String.format(
            Locale.ROOT,
            "estimate    %,.0f prompt tokens, %,.0f generated, %.2f core-hours",
            promptTokens * scale(),
            completionTokens * scale(),
            coreHours()));
  }

  /** One JSON object on one line. */
  String toJson() {
    ObjectNode node = JsonMapper.builder().build().createObjectNode();
    node.put("status", "dry_run");
    node.putObject("rows").put("in", rows).put("sampled", sampled).put("sampled_error", errors);
    node.putObject("estimate")
        .put("prompt_tokens", Math.round(promptTokens * scale()))
        .put("completion_tokens", Math.round(completionTokens * scale()))
        .put("core_hours", Math.round(coreHours() * 1e4) / 1e4);
    return node.toString();
  }
}
