package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;
import java.util.List;

/**
 * Two-dimensional early exit (Hůla et al., arXiv:2604.18592): a prompt is read sentence by sentence
 * and, the more of it is read, the deeper; after each sentence a linear classifier of that depth
 * looks at the mean residual of all that was read, and the row ends where it is sure of a label.
 * All tokens read go to the same depth: those of earlier sentences go on from where they stopped. A
 * row of which no classifier is sure becomes exactly the row that was read at once.
 *
 * <p>The order of depths, the pooling and the classifiers are our reading of the paper, whose code
 * is not public. Immutable and safe for concurrent use.
 */
public final class Reading {
  /** Least length of a sentence unless said otherwise. */
  public static final int MIN_TOKENS = 8;

  private final List<String> labels;
  private final List<Adapter> adapters;
  private final int minTokens;

  /**
   * A classifier at a depth.
   *
   * @param depth layers run below it
   * @param weight {@code [labels, hiddenSize]}
   * @param bias {@code [labels]}
   * @param threshold least probability that ends a row
   */
  public record Adapter(int depth, float[] weight, float[] bias, float threshold) {}

  /**
   * A reading.
   *
   * @param labels what rows must ask for, in the order of the classifiers' outputs
   * @param adapters of the first sentence, of the second, and so on, at depths that do not fall;
   *     the last one serves all sentences behind it
   * @param minTokens least length of a sentence; a shorter one is joined with the next
   */
  public Reading(List<String> labels, List<Adapter> adapters, int minTokens) {
    this.labels = List.copyOf(labels);
    this.adapters = List.copyOf(adapters);
    this.minTokens = minTokens;
  }

  /** The labels that it tells apart. */
  public List<String> labels() {
    return labels;
  }

  /** Least length of a sentence in tokens. */
  public int minTokens() {
    return minTokens;
  }

  private Adapter adapter(int sentence) {
    return adapters.get(Math.min(sentence, adapters.size() - 1));
  }

  /** Layers that all tokens have run when a sentence, counted from 0, is judged. */
  public int depth(int sentence) {
    return adapter(sentence).depth();
  }

  /** Multiply-adds of a judgement over so many tokens. */
  public long macs(int hiddenSize, int tokens) {
    return (long) hiddenSize * (labels.size() + tokens);
  }

  /**
   * Natural-log probabilities of the labels.
   *
   * @param mean {@code [hiddenSize]} mean residual of all tokens read
   */
  public float[] logprobs(int sentence, float[] mean) {
    Adapter adapter = adapter(sentence);
    float[] out = adapter.bias().clone();
    float max = Float.NEGATIVE_INFINITY;
    for (int label = 0; label < out.length; label++) {
      int row = label * mean.length;
      for (int i = 0; i < mean.length; i++) {
        out[label] = Math.fma(adapter.weight()[row + i], mean[i], out[label]);
      }
      max = Math.max(max, out[label]);
    }
    double total = 0;
    for (float logit : out) {
      total += Kernels.exp(logit - max);
    }
    float logSum = max + (float) StrictMath.log(total);
    for (int label = 0; label < out.length; label++) {
      out[label] -= logSum;
    }
    return out;
  }

  /** Whether a probability ends a row. */
  public boolean sure(int sentence, float logprob) {
    return Kernels.exp(logprob) >= adapter(sentence).threshold();
  }
}
