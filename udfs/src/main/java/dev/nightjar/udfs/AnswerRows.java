package dev.nightjar.udfs;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.StreamReadFeature;
import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.engine.api.Timing;
import dev.nightjar.engine.api.TokenLogprob;
import dev.nightjar.engine.api.Usage;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** What the engine gave, as values of the struct types of {@link AnswerTypes}, in their order. */
public final class AnswerRows {
  private static final double NANOS_PER_MILLI = 1e6;

  private static final JsonFactory STRICT_JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private AnswerRows() {}

  /**
   * The values of {@link AnswerTypes#GENERATION}; the text of a vector is a JSON array.
   *
   * @param withLogprobs whether token log-probabilities were asked for
   */
  public static Object[] generated(GenerationResult result, boolean withLogprobs) {
    boolean ok = isOk(result);
    String text =
        result.finding() instanceof Finding.Embedding(float[] vector)
            ? Arrays.toString(vector)
            : result.text();
    return new Object[] {
      text,
      isJson(text) ? text : null,
      result.finishReason() == null ? null : result.finishReason().value(),
      result.stopReason(),
      error(result.error()),
      usage(result.usage()),
      ok ? (Object) result.cumulativeLogprob() : null,
      ok && withLogprobs ? logprobs(result.logprobs()) : null,
      ok ? metrics(result.timing(), result.usage()) : null,
      compute(result.compute())
    };
  }

  /** The values of {@link AnswerTypes#CHOICE}. */
  public static Object[] chosen(GenerationResult result) {
    Object label = null;
    Object probability = null;
    Object[] scores = null;
    if (result.finding() instanceof Finding.Choice(String chosen, List<Finding.LabelScore> all)) {
      label = chosen;
      scores = new Object[all.size()];
      for (int i = 0; i < scores.length; i++) {
        Finding.LabelScore score = all.get(i);
        scores[i] =
            RowFactory.create(score.label(), score.probability(), score.logprob(), score.tokens());
        if (score.label().equals(chosen)) {
          probability = score.probability();
        }
      }
    }
    return withCommon(result, label, probability, scores);
  }

  /** The values of {@link AnswerTypes#LIKELIHOOD}. */
  public static Object[] scored(GenerationResult result) {
    return result.finding() instanceof Finding.Likelihood likelihood
        ? withCommon(
            result,
            likelihood.logprob(),
            likelihood.meanLogprob(),
            likelihood.tokenLogprobs().toArray())
        : withCommon(result, null, null, null);
  }

  /** The values of {@link AnswerTypes#EMBEDDING}. */
  public static Object[] embedded(GenerationResult result) {
    return result.finding() instanceof Finding.Embedding(float[] vector)
        ? withCommon(result, vector)
        : withCommon(result, (Object) null);
  }

  private static Object[] withCommon(GenerationResult result, Object... own) {
    Object[] values = new Object[own.length + 4];
    System.arraycopy(own, 0, values, 0, own.length);
    int at = own.length;
    values[at++] = error(result.error());
    values[at++] = usage(result.usage());
    values[at++] = isOk(result) ? metrics(result.timing(), result.usage()) : null;
    values[at] = compute(result.compute());
    return values;
  }

  private static boolean isOk(GenerationResult result) {
    return result.error() == null && !result.skippedNull();
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
    return c == null ? null : computeOf(c);
  }

  private static Row computeOf(ComputeStats c) {
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
