package dev.nightjar.engine.depth;

import java.util.BitSet;

/**
 * The same layers for every token: Unified Layer Skipping (Liu et al., 2024, section 3) with {@link
 * #unified}, or any fixed list. Layers outside the set keep no keys and values for the slots that
 * skip them.
 */
public final class LayerSubset implements Schedule {
  private final BitSet keep;
  private final boolean promptFull;

  /**
   * @param keep layers that run
   * @param promptFull whether prompt tokens run every layer, as published; otherwise the set holds
   *     for them too
   */
  public LayerSubset(BitSet keep, boolean promptFull) {
    this.keep = (BitSet) keep.clone();
    this.promptFull = promptFull;
  }

  /**
   * The evenly spaced set of the paper: {@code n = round(keep * layers)}, at least 2; first and
   * last layer, then multiples of {@code floor(layers / (n - 1))} until there are n.
   */
  public static BitSet unified(int layers, double keep) {
    int n = Math.clamp(Math.round(keep * layers), Math.min(2, layers), layers);
    BitSet set = new BitSet(layers);
    set.set(0);
    set.set(layers - 1);
    if (n == layers) {
      set.set(0, layers);
      return set;
    }
    int interval = Math.max(1, layers / Math.max(1, n - 1));
    for (int layer = interval; layer < layers && set.cardinality() < n; layer += interval) {
      set.set(layer);
    }
    return set;
  }

  /** The layers that run. */
  public BitSet keep() {
    return (BitSet) keep.clone();
  }

  @Override
  public byte cells(int layer, int position, RowContext row) {
    boolean runs = keep.get(layer) || (promptFull && position < row.promptTokens());
    return runs ? Cells.LAYER : Cells.SKIP;
  }
}
