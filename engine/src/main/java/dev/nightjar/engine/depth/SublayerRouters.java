package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;

/**
 * SkipGPT (Zhao et al., ICML 2025): two routers per layer decide about attention and feed-forward
 * separately; both read the residual that enters the layer, and score 0 is "execute", 1 is "skip".
 * A skipped attention still leaves keys and values, as in the training graph, where only the
 * attention's output is gated.
 *
 * <p>The published code draws Gumbel noise in evaluation too; here the larger score decides, so
 * that a row always gets the same layers. First layers and positions that always run, and a
 * threshold between the scores, are additions; without them the rule is the published one.
 */
final class SublayerRouters implements Gate {

  /**
   * One sublayer's router: {@code Linear(d -> 2)}, or {@code Linear(d -> h)}, ReLU, {@code Linear(h
   * -> 2)}.
   *
   * @param first the only layer, or the lower one
   * @param second the upper one, or null
   */
  record Router(Linear first, Linear second) {
    long macs() {
      return first.macs() + (second == null ? 0 : second.macs());
    }
  }

  /** Both routers of a layer. */
  record Pair(Router attention, Router feedForward) {}

  private final Kernels kernels;
  private final Pair[] layers;
  private final int reservedPositions;
  private final float threshold;

  /**
   * @param layers {@code [layers]}; null where the layer always runs
   * @param reservedPositions first positions that run every layer
   * @param threshold a sublayer is skipped when {@code z[1] - z[0]} exceeds it
   */
  SublayerRouters(Kernels kernels, Pair[] layers, int reservedPositions, float threshold) {
    this.kernels = kernels;
    this.layers = layers.clone();
    this.reservedPositions = reservedPositions;
    this.threshold = threshold;
  }

  @Override
  public boolean gates(int layer) {
    return layers[layer] != null;
  }

  @Override
  public long macs(int layer) {
    return layers[layer].attention().macs() + layers[layer].feedForward().macs();
  }

  @Override
  public void gate(
      int layer, float[] x, int[] positions, int rows, byte[] cells, GateScratch scratch) {
    Pair pair = layers[layer];
    for (int row = 0; row < rows; row++) {
      cells[row] = positions[row] < reservedPositions ? Cells.LAYER : Cells.SKIP;
    }
    decide(pair.attention(), Cells.ATTENTION, x, rows, cells, scratch);
    decide(pair.feedForward(), Cells.FEED_FORWARD, x, rows, cells, scratch);
  }

  private void decide(
      Router router, byte sublayer, float[] x, int rows, byte[] cells, GateScratch scratch) {
    int h = router.first().outputs();
    scratch.ensure(rows, h);
    if (router.second() == null) {
      router.first().apply(kernels, x, rows, scratch.scores, scratch.matmul);
    } else {
      float[] hidden = scratch.hidden;
      router.first().apply(kernels, x, rows, hidden, scratch.matmul);
      for (int i = 0; i < rows * h; i++) {
        hidden[i] = Math.max(hidden[i], 0f);
      }
      router.second().apply(kernels, hidden, rows, scratch.scores, scratch.matmul);
    }
    for (int row = 0; row < rows; row++) {
      boolean skips = scratch.scores[2 * row + 1] - scratch.scores[2 * row] > threshold;
      if (!skips) {
        cells[row] |= sublayer;
      }
    }
  }
}
