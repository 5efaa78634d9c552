package dev.nightjar.engine.depth;

import java.util.BitSet;

/**
 * A generated token leaves at the first of the given layers where the model is confident: CALM's
 * softmax response (Schuster et al., arXiv:2207.07061, section 3.2) and LITE's per-layer test.
 * Prompt tokens run every layer.
 */
public final class ConfidenceExit implements DepthPolicy {

  /** How confidence is measured from the probabilities of the head applied at the exit. */
  public enum Measure {
    /** The largest probability. */
    TOP1,
    /** The largest minus the second largest. */
    MARGIN
  }

  private final String spec;
  private final Measure measure;
  private final float threshold;
  private final BitSet layers;

  /**
   * @param layers exits, as numbers of layers run below the head
   * @param threshold in [0, 1]; above 1 nothing ever exits
   */
  public ConfidenceExit(String spec, Measure measure, float threshold, BitSet layers) {
    this.spec = spec;
    this.measure = measure;
    this.threshold = threshold;
    this.layers = (BitSet) layers.clone();
  }

  @Override
  public String spec() {
    return spec;
  }

  @Override
  public boolean probes(int layersRun) {
    return layers.get(layersRun);
  }

  @Override
  public boolean exits(int layersRun, float top1, float top2) {
    return switch (measure) {
      case TOP1 -> top1 >= threshold;
      case MARGIN -> top1 - top2 >= threshold;
    };
  }
}
