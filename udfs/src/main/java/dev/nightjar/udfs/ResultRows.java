package dev.nightjar.udfs;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.nightjar.engine.EngineInfo;
import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.engine.api.Timing;
import dev.nightjar.engine.api.TokenLogprob;
import dev.nightjar.engine.api.Usage;
import java.io.IOException;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.Instant;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;

/**
 * Makes result rows of {@link ResultSchema}: one per input row, from what the engine gave. One per
 * partition.
 */
final class ResultRows {
  /** What {@code java.sql} or {@code java.time} classes rows carry, as the session is set. */
  enum TimeClasses {
    /** {@link Timestamp} and {@link Date}, Spark's default. */
    JAVA_SQL,
    /**
     * {@link Instant} and {@link java.time.LocalDate} ({@code
     * spark.sql.datetime.java8API.enabled}).
     */
    JAVA_TIME
  }

  private static final double NANOS_PER_MILLI = 1e6;

  private static final JsonFactory STRICT_JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private final int inputColumns;
  private final int columns;
  private final InferenceOptions options;
  private final EngineInfo engine;
  private final Row placement;
  private final TimeClasses timeClasses;
  private final String optionsJson;
  private final Object runDate;

  /**
   * Fixes what all rows of a partition share.
   *
   * @param placement a row of the placement type, or null outside Spark
   */
  ResultRows(
      StructType input,
      InferenceOptions options,
      EngineInfo engine,
      Row placement,
      TimeClasses timeClasses) {
    this.inputColumns = input.size();
    this.columns = inputColumns + ResultSchema.columns().size();
    this.options = options;
    this.engine = engine;
    this.placement = placement;
    this.timeClasses = timeClasses;
    this.optionsJson = options.toJson();
    this.runDate =
        switch (timeClasses) {
          case JAVA_SQL -> Date.valueOf(options.runDate());
          case JAVA_TIME -> options.runDate();
        };
  }

  /**
   * The result row of one input row.
   *
   * @param customId the row's key
   * @param started when the row was taken from the input
   */
  Row of(Row input, String customId, String requestHash, Instant started, GenerationResult result) {
    Object[] values = new Object[columns];
    for (int i = 0; i < inputColumns; i++) {
      values[i] = input.get(i);
    }
    boolean ok = result.error() == null && !result.skippedNull();
    int at = inputColumns;
    values[at++] = options.runId();
    values[at++] = customId;
    values[at++] = requestHash;
    values[at++] = engine.model();
    values[at++] = engine.modelFingerprint();
    values[at++] = status(result);
    values[at++] = result.text();
    values[at++] = isJson(result.text()) ? result.text() : null;
    values[at++] = result.finishReason() == null ? null : result.finishReason().value();
    values[at++] = result.stopReason();
    values[at++] = error(result.error());
    values[at++] = usage(result.usage());
    values[at++] = ok ? (Object) result.cumulativeLogprob() : null;
    values[at++] = ok && options.sampling().logprobs() >= 0 ? logprobs(result.logprobs()) : null;
    values[at++] = ok ? metrics(result.timing(), result.usage()) : null;
    values[at++] = result.compute() == null ? null : compute(result.compute());
    values[at++] = placement;
    values[at++] = optionsJson;
    values[at++] = time(started);
    values[at++] = time(started.plusNanos(result.timing().totalNanos()));
    values[at++] = runDate;
    assert at == columns;
    return RowFactory.create(values);
  }

  static String status(GenerationResult result) {
    if (result.error() != null) {
      return ResultSchema.ERROR;
    }
    return result.skippedNull() ? ResultSchema.SKIPPED_NULL : ResultSchema.OK;
  }

  /** Whether a text is exactly one JSON value by RFC 8259, without duplicate keys. */
  static boolean isJson(String text) {
    if (text == null) {
      return false;
    }
    try (JsonParser parser = STRICT_JSON.createParser(text)) {
      if (parser.nextToken() == null) {
        return false;
      }
      parser.skipChildren();
      return parser.nextToken() == null;
    } catch (IOException e) {
      return false;
    }
  }

  private Object time(Instant instant) {
    return switch (timeClasses) {
      case JAVA_SQL -> Timestamp.from(instant);
      case JAVA_TIME -> instant;
    };
  }

  private static Row error(RowError error) {
    return error == null
        ? null
        : RowFactory.create(error.code().name(), error.message(), error.code().retriable());
  }

  private static Row usage(Usage usage) {
    return RowFactory.create(
        usage.promptTokens(),
        usage.completionTokens(),
        usage.totalTokens(),
        RowFactory.create(usage.cachedTokens()));
  }

  private static Row[] logprobs(List<TokenLogprob> logprobs) {
    Row[] rows = new Row[logprobs.size()];
    for (int i = 0; i < rows.length; i++) {
      TokenLogprob token = logprobs.get(i);
      Row[] top = new Row[token.top().size()];
      for (int j = 0; j < top.length; j++) {
        TokenLogprob alternative = token.top().get(j);
        top[j] =
            RowFactory.create(alternative.tokenId(), alternative.token(), alternative.logprob());
      }
      rows[i] = RowFactory.create(token.tokenId(), token.token(), token.logprob(), top);
    }
    return rows;
  }

  private static Row metrics(Timing timing, Usage usage) {
    int laterTokens = usage.completionTokens() - 1;
    return RowFactory.create(
        timing.queueNanos() / NANOS_PER_MILLI,
        timing.prefillNanos() / NANOS_PER_MILLI,
        (timing.queueNanos() + timing.prefillNanos()) / NANOS_PER_MILLI,
        timing.decodeNanos() / NANOS_PER_MILLI,
        timing.totalNanos() / NANOS_PER_MILLI,
        laterTokens < 1 ? null : timing.decodeNanos() / NANOS_PER_MILLI / laterTokens,
        timing.cpuNanos() / NANOS_PER_MILLI,
        (float) timing.meanBatchSize());
  }

  private static Row compute(ComputeStats c) {
    return RowFactory.create(
        c.depthPolicy(),
        c.numHiddenLayers(),
        c.layersExecuted(),
        c.layersSkipped(),
        c.layersExited(),
        c.layersExecutedPrefill(),
        c.layersSkippedPrefill(),
        c.attnSkipped(),
        c.mlpSkipped(),
        (float) c.meanLayersPerToken(),
        c.earlyExitTokens(),
        (float) c.meanExitLayer(),
        c.minExitLayer(),
        c.exitLayerHistogram().toArray(new Integer[0]),
        c.layerExecutions().toArray(new Long[0]),
        c.kvBytes(),
        c.kvBytesFull(),
        c.flops(),
        c.flopsFull(),
        (float) c.computeSaved(),
        c.draftedTokens(),
        c.acceptedTokens());
  }
}
