package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.TokenLogprob;
import dev.nightjar.engine.constraint.TokenSet;
import dev.nightjar.engine.depth.Hashing;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Chooses one row's next tokens. The random stream depends only on (seed, row key), and every sum
 * runs in a fixed order, so a row's tokens do not depend on the batch, the thread or the retry.
 *
 * <p>Order of operations, as in vLLM: repetition penalty, tokens allowed by a response format,
 * temperature, top-k, top-p, min-p, draw. Confined to one thread.
 */
final class Sampler {
  private final SamplingParams params;
  private final Kernels kernels;
  private long randomState;
  private float[] adjusted = new float[0];
  private long[] order = new long[0];
  private boolean[] seen = new boolean[0];

  Sampler(SamplingParams params, String rowKey, Kernels kernels) {
    this.params = params;
    this.kernels = kernels;
    this.randomState = Hashing.mix(Hashing.of(rowKey) ^ Hashing.mix(params.seed()));
  }

  /** Marks a token of the prompt or the completion for the repetition penalty. */
  void observe(int token, int vocabSize) {
    if (params.repetitionPenalty() == 1f) {
      return;
    }
    if (seen.length < vocabSize) {
      seen = Arrays.copyOf(seen, vocabSize);
    }
    seen[token] = true;
  }

  /**
   * The next token.
   *
   * @param logits {@code [vocabSize]} from {@code offset}; not modified
   */
  int next(float[] logits, int offset, int vocabSize) {
    if (params.isGreedy() && params.repetitionPenalty() == 1f) {
      return kernels.argmax(logits, offset, vocabSize);
    }
    penalise(logits, offset, vocabSize);
    return params.isGreedy() ? kernels.argmax(adjusted, 0, vocabSize) : draw(vocabSize, vocabSize);
  }

  /**
   * The next token, which is one of those allowed, whatever the logits.
   *
   * @param logits {@code [vocabSize]} from {@code offset}; not modified
   */
  int next(float[] logits, int offset, int vocabSize, TokenSet allowed) {
    if (params.isGreedy() && params.repetitionPenalty() == 1f) {
      return allowed.argmax(logits, offset);
    }
    penalise(logits, offset, vocabSize);
    if (params.isGreedy()) {
      return allowed.argmax(adjusted, 0);
    }
    allowed.forbidOthers(adjusted, vocabSize);
    int token = draw(vocabSize, allowed.count());
    return allowed.test(token) ? token : allowed.first();
  }

  private void penalise(float[] logits, int offset, int vocabSize) {
    if (adjusted.length < vocabSize) {
      adjusted = new float[vocabSize];
    }
    System.arraycopy(logits, offset, adjusted, 0, vocabSize);
    float penalty = params.repetitionPenalty();
    if (penalty == 1f) {
      return;
    }
    for (int i = 0; i < Math.min(vocabSize, seen.length); i++) {
      if (seen[i]) {
        adjusted[i] = adjusted[i] > 0 ? adjusted[i] / penalty : adjusted[i] * penalty;
      }
    }
  }

  private int draw(int vocabSize, int candidates) {
    for (int i = 0; i < vocabSize; i++) {
      adjusted[i] /= params.temperature();
    }
    int count = Math.min(sortDescending(adjusted, 0, vocabSize), candidates);
    if (params.topK() > 0) {
      count = Math.min(count, params.topK());
    }
    float max = adjusted[tokenAt(0)];
    double total = 0;
    for (int i = 0; i < count; i++) {
      total += Kernels.exp(adjusted[tokenAt(i)] - max);
    }
    double kept = 0;
    int end = 0;
    while (end < count && (end == 0 || kept < params.topP() * total)) {
      double weight = Kernels.exp(adjusted[tokenAt(end)] - max);
      if (end > 0 && weight < params.minP()) {
        break;
      }
      kept += weight;
      end++;
    }
    double target = nextUniform() * kept;
    double running = 0;
    for (int i = 0; i < end; i++) {
      running += Kernels.exp(adjusted[tokenAt(i)] - max);
      if (running > target) {
        return tokenAt(i);
      }
    }
    return tokenAt(end - 1);
  }

  /** Sorts token ids by value, largest first, lower id first among equals; NaN comes last. */
  private int sortDescending(float[] values, int offset, int count) {
    if (order.length < count) {
      order = new long[count];
    }
    for (int i = 0; i < count; i++) {
      float value = values[offset + i];
      int bits = Float.floatToIntBits(Float.isNaN(value) ? Float.NEGATIVE_INFINITY : value + 0f);
      int ascending = bits ^ ((bits >> 31) & 0x7fffffff);
      order[i] = ((long) ~ascending << 32) | i;
    }
    Arrays.sort(order, 0, count);
    return count;
  }

  private int tokenAt(int rank) {
    return (int) order[rank];
  }

  private double nextUniform() {
    randomState += 0x9E3779B97F4A7C15L;
    return (Hashing.mix(randomState) >>> 11) * 0x1.0p-53;
  }

  /**
   * The log-probability of a chosen token under the unmodified distribution, with the alternatives
   * asked for.
   */
  TokenLogprob logprob(
      float[] logits, int offset, int vocabSize, int token, float logSum, Tokenizer tokenizer) {
    List<TokenLogprob> top = new ArrayList<>();
    if (params.logprobs() > 0) {
      sortDescending(logits, offset, vocabSize);
      for (int i = 0; i < Math.min(params.logprobs(), vocabSize); i++) {
        int id = tokenAt(i);
        top.add(
            new TokenLogprob(id, tokenizer.tokenText(id), logits[offset + id] - logSum, List.of()));
      }
    }
    return new TokenLogprob(
        token, tokenizer.tokenText(token), logits[offset + token] - logSum, top);
  }
}
