package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;
import java.util.BitSet;

/**
 * One of several nested sets of layers per row, chosen by a linear probe of the residual of the
 * last prompt token: a controller after the oracle of Glavas et al. (arXiv:2410.20022), which picks
 * the shallowest sufficient set per sequence; reading the question's last token follows the
 * correctness probes of "No Answer Needed". The probe's class k stands for "set k is the cheapest
 * that suffices", so the probabilities up to k add up to the probability that set k suffices; the
 * row gets the cheapest set with at least one half.
 *
 * <p>The margin is the safety knob: it is added k times to the score of class k before the
 * soft-max, so that a larger one moves rows to dearer sets.
 */
final class RowMasks implements RowPlanner {
  /** Most sets. */
  static final int MAX_MASKS = 16;

  private final Kernels kernels;
  private final Linear probe;
  private final int probeLayer;
  private final BitSet[] masks;
  private final int layers;
  private final float margin;

  /**
   * @param probe {@code [sets, d]}
   * @param probeLayer the layer whose input is read; it and those above obey the choice
   * @param masks layers that run, cheapest set first; each holds the one before
   */
  RowMasks(
      Kernels kernels, Linear probe, int probeLayer, BitSet[] masks, int layers, float margin) {
    this.kernels = kernels;
    this.probe = probe;
    this.probeLayer = probeLayer;
    this.masks = masks.clone();
    this.layers = layers;
    this.margin = margin;
  }

  @Override
  public boolean plans(int layer) {
    return layer == probeLayer;
  }

  @Override
  public long macs(int layer, int promptTokens) {
    return probe.macs();
  }

  @Override
  public void plan(int layer, float[] x, RowContext row, GateScratch scratch) {
    int d = probe.weight().columns();
    scratch.ensure(1, d);
    System.arraycopy(x, (row.promptTokens() - 1) * d, scratch.hidden, 0, d);
    probe.apply(kernels, scratch.hidden, 1, scratch.scores, scratch.matmul);
    BitSet mask = masks[choose(scratch.scores)];
    byte[] plan = row.plan(layers);
    for (int above = probeLayer; above < layers; above++) {
      plan[above] = mask.get(above) ? Cells.LAYER : Cells.SKIP;
    }
  }

  /** The cheapest set that suffices with probability one half; overwrites the scores. */
  private int choose(float[] scores) {
    float max = Float.NEGATIVE_INFINITY;
    for (int k = 0; k < masks.length; k++) {
      scores[k] += k * margin;
      max = Math.max(max, scores[k]);
    }
    float total = 0;
    for (int k = 0; k < masks.length; k++) {
      scores[k] = Kernels.exp(scores[k] - max);
      total += scores[k];
    }
    float sufficient = 0;
    for (int k = 0; k < masks.length - 1; k++) {
      sufficient += scores[k];
      if (2 * sufficient >= total) {
        return k;
      }
    }
    return masks.length - 1;
  }
}
