package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;

/**
 * How sure the model is of a token after some layers; compared with a threshold by {@link
 * EarlyExit}. Implementations are immutable and safe for concurrent use.
 */
public interface Confidence {
  /** Whether probabilities of the head are needed: {@link Evidence#top1} and the rest. */
  boolean usesHead();

  /** Whether {@link Evidence#top2} is needed. */
  default boolean usesSecond() {
    return false;
  }

  /** Whether {@link Evidence#entropy} is needed. */
  default boolean usesEntropy() {
    return false;
  }

  /** Whether {@link Evidence#cosine} is needed. */
  default boolean usesPrevious() {
    return false;
  }

  /**
   * Multiply-adds of one evaluation beside the head.
   *
   * @param candidates tokens the head was applied to
   */
  default long macs(int hiddenSize, int candidates) {
    return 0;
  }

  /** What to do with the token. */
  Verdict judge(Evidence evidence, int layersRun, float threshold);

  /** What an exit rule decides. */
  enum Verdict {
    /** The next layer runs. */
    CONTINUE,
    /** The token leaves with the head applied here. */
    EXIT,
    /** The row ends before this token: the model will not get it right. */
    STOP
  }

  private static Verdict exitIf(boolean sure) {
    return sure ? Verdict.EXIT : Verdict.CONTINUE;
  }

  /** The largest probability (LITE, Varshney et al. 2023; CALM's softmax response). */
  record Top1() implements Confidence {
    @Override
    public boolean usesHead() {
      return true;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      return exitIf(evidence.top1 >= threshold);
    }
  }

  /** The largest minus the second largest probability (CALM, arXiv:2207.07061, section 3.5). */
  record Margin() implements Confidence {
    @Override
    public boolean usesHead() {
      return true;
    }

    @Override
    public boolean usesSecond() {
      return true;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      return exitIf(evidence.top1 - evidence.top2 >= threshold);
    }
  }

  /**
   * The entropy of the head's distribution in nats, which must not exceed the threshold (Valade).
   */
  record Entropy() implements Confidence {
    @Override
    public boolean usesHead() {
      return true;
    }

    @Override
    public boolean usesEntropy() {
      return true;
    }

    @Override
    public long macs(int hiddenSize, int candidates) {
      return candidates;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      return exitIf(evidence.entropy <= threshold);
    }
  }

  /**
   * The cosine of the residuals before and after the layer just run (CALM, hidden-state
   * saturation). A token whose layer was skipped is not judged there.
   */
  record State() implements Confidence {
    @Override
    public boolean usesHead() {
      return false;
    }

    @Override
    public boolean usesPrevious() {
      return true;
    }

    @Override
    public long macs(int hiddenSize, int candidates) {
      return 3L * hiddenSize;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      return exitIf(evidence.cosine >= threshold);
    }
  }

  /**
   * CALM's classifier, one for all layers: the second class's probability of a linear map of the
   * residual.
   *
   * @param weight {@code [2, hiddenSize]}
   * @param bias {@code [2]}
   */
  record Classifier(float[] weight, float[] bias) implements Confidence {
    @Override
    public boolean usesHead() {
      return false;
    }

    @Override
    public long macs(int hiddenSize, int candidates) {
      return 2L * hiddenSize;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      int d = weight.length / 2;
      float wrong = evidence.dot(weight, 0, d) + bias[0];
      float right = evidence.dot(weight, 1, d) + bias[1];
      return exitIf(1f / (1f + Kernels.exp(wrong - right)) >= threshold);
    }
  }

  /**
   * AdaInfer (Fan et al., arXiv:2403.02181): whether this is already the last layer's token, from
   * the largest probability and its distance to the second. One logistic regression for all layers
   * in place of the paper's support vector machine.
   */
  record Features(float bias, float top1Weight, float gapWeight) implements Confidence {
    @Override
    public boolean usesHead() {
      return true;
    }

    @Override
    public boolean usesSecond() {
      return true;
    }

    @Override
    public long macs(int hiddenSize, int candidates) {
      return 2;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      float gap = evidence.top1 - evidence.top2;
      float odds = Math.fma(gapWeight, gap, Math.fma(top1Weight, evidence.top1, bias));
      return exitIf(1f / (1f + Kernels.exp(-odds)) >= threshold);
    }
  }

  /**
   * The stop-and-exit controller for code completion (Sun et al., ICSE 2024): a linear map of the
   * residual without bias; classes are stop, exit, continue. The most likely class is obeyed when
   * its probability is above its threshold. The exits' own thresholds are not used.
   *
   * @param weight {@code [3, hiddenSize]}
   */
  record Controller(float[] weight, float stopThreshold, float exitThreshold)
      implements Confidence {
    @Override
    public boolean usesHead() {
      return false;
    }

    @Override
    public long macs(int hiddenSize, int candidates) {
      return 3L * hiddenSize;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      int d = weight.length / 3;
      float stop = evidence.dot(weight, 0, d);
      float exit = evidence.dot(weight, 1, d);
      float goOn = evidence.dot(weight, 2, d);
      if (stop >= exit && stop >= goOn) {
        float p = 1f / (1f + Kernels.exp(exit - stop) + Kernels.exp(goOn - stop));
        return p > stopThreshold ? Verdict.STOP : Verdict.CONTINUE;
      }
      if (exit > stop && exit >= goOn) {
        float p = 1f / (1f + Kernels.exp(stop - exit) + Kernels.exp(goOn - exit));
        return exitIf(p > exitThreshold);
      }
      return Verdict.CONTINUE;
    }
  }
}
