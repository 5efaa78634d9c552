package dev.nightjar.engine.depth;

/**
 * How sure the model is of a token after some layers; compared with a threshold by {@link
 * EarlyExit}.
 */
public interface Confidence {
  /** Whether probabilities of the head are needed: {@link Evidence#top1} and the rest. */
  boolean usesHead();

  /** Whether {@link Evidence#entropy} is needed. */
  default boolean usesEntropy() {
    return false;
  }

  /** Whether {@link Evidence#cosine} is needed. */
  default boolean usesPrevious() {
    return false;
  }

  /** Multiply-adds of one evaluation beside the head. */
  default long macs(int hiddenSize) {
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
    /** The row ends: the model will not get it right. */
    STOP
  }

  /** The largest probability (LITE, Varshney et al. 2023; CALM's softmax response). */
  record Top1() implements Confidence {
    @Override
    public boolean usesHead() {
      return true;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      return evidence.top1 >= threshold ? Verdict.EXIT : Verdict.CONTINUE;
    }
  }

  /** The largest minus the second largest probability (CALM, arXiv:2207.07061, section 3.5). */
  record Margin() implements Confidence {
    @Override
    public boolean usesHead() {
      return true;
    }

    @Override
    public Verdict judge(Evidence evidence, int layersRun, float threshold) {
      return evidence.top1 - evidence.top2 >= threshold ? Verdict.EXIT : Verdict.CONTINUE;
    }
  }
}
