package dev.nightjar.engine.depth;

import java.util.Arrays;
import java.util.BitSet;

/**
 * After SlimInfer (Long et al., 2025, arXiv:2508.06447): at a few layers, whole blocks of prompt
 * tokens leave that the end of the prompt has little use for, because what they said has spread to
 * others. The rule is ours: a block is {@code size} consecutive positions, its score the mean
 * attention that its live tokens receive from the prompt's last {@code size} live tokens, heads and
 * queries averaged; of the blocks before those last tokens, the first and the best {@code ceil(keep
 * * blocks)}, the first included, stay. Each layer of the list prunes what the one before left. The
 * paper's prefetching of keys and values has no counterpart here: what left is not kept at all.
 */
final class BlockPruning implements PromptPruning {
  private final BitSet layers;
  private final double keep;
  private final int size;

  BlockPruning(BitSet layers, double keep, int size) {
    this.layers = (BitSet) layers.clone();
    this.keep = keep;
    this.size = size;
  }

  @Override
  public boolean prunes(int layer) {
    return keep < 1 && layers.get(layer);
  }

  @Override
  public int window(int layer, int liveTokens, RowContext row) {
    return size;
  }

  @Override
  public void retain(
      int layer, float[] mass, int[] positions, int tokens, RowContext row, boolean[] keeps) {
    int context = Math.max(0, tokens - size);
    Arrays.fill(keeps, context, tokens, true);
    float[] scores = new float[context];
    int blocks = 0;
    for (int from = 0; from < context; blocks++) {
      int to = end(positions, from, context);
      float sum = 0;
      for (int i = from; i < to; i++) {
        sum += mass[i];
      }
      scores[blocks] = sum / (to - from);
      from = to;
    }
    boolean[] chosen = new boolean[blocks];
    int stay = (int) Math.ceil(keep * blocks);
    if (blocks > 0) {
      chosen[0] = true;
      Largest.mark(scores, 1, blocks, stay - 1, chosen);
    }
    int block = 0;
    for (int from = 0; from < context; block++) {
      int to = end(positions, from, context);
      Arrays.fill(keeps, from, to, chosen[block]);
      from = to;
    }
  }

  /** Where the block that starts at index {@code from} ends. */
  private int end(int[] positions, int from, int context) {
    int to = from + 1;
    while (to < context && positions[to] / size == positions[from] / size) {
      to++;
    }
    return to;
  }
}
