package dev.nightjar.engine.depth;

import java.util.Arrays;
import java.util.BitSet;

/**
 * AdaSkip (He et al., arXiv:2501.02336): sublayers that change the residual least, by the cosine of
 * input and output measured on earlier prompts, are skipped for every token of every row, and the
 * residual is multiplied by the sublayer's mean norm ratio instead. Numbers of sublayers are {@code
 * [attention of each layer, feed-forward of each layer]}.
 *
 * @param similarities {@code [2 * layers]} mean cosines, the residual connection included
 * @param ratios {@code [2 * layers]} mean norm after over norm before
 * @param skipped the sublayers that are skipped
 */
record AdaSkip(float[] similarities, float[] ratios, BitSet skipped) {

  /** Skips the {@code count} sublayers with the largest similarity, the lowest of equals first. */
  static AdaSkip of(float[] similarities, float[] ratios, int count) {
    BitSet skipped = new BitSet(similarities.length);
    for (int i = 0; i < count; i++) {
      int best = skipped.nextClearBit(0);
      for (int sublayer = best + 1; sublayer < similarities.length; sublayer++) {
        if (!skipped.get(sublayer) && similarities[sublayer] > similarities[best]) {
          best = sublayer;
        }
      }
      skipped.set(best);
    }
    return new AdaSkip(similarities, ratios, skipped);
  }

  private int layers() {
    return similarities.length / 2;
  }

  /** The smallest similarity that is skipped; above every cosine when there is none. */
  float threshold() {
    float threshold = Float.POSITIVE_INFINITY;
    for (int i = skipped.nextSetBit(0); i >= 0; i = skipped.nextSetBit(i + 1)) {
      threshold = Math.min(threshold, similarities[i]);
    }
    return threshold;
  }

  /** What the layers run. */
  FixedCells cells() {
    byte[] cells = new byte[layers()];
    for (int layer = 0; layer < cells.length; layer++) {
      cells[layer] |= skipped.get(layer) ? Cells.SKIP : Cells.ATTENTION;
      cells[layer] |= skipped.get(layers() + layer) ? Cells.SKIP : Cells.FEED_FORWARD;
    }
    return new FixedCells(cells);
  }

  /** What stands in for the skipped sublayers. */
  SkipOperation operation() {
    float[] factors = new float[ratios.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = skipped.get(i) ? ratios[i] : 1f;
    }
    return new SkipOperation(
        Arrays.copyOf(factors, layers()),
        Arrays.copyOfRange(factors, layers(), factors.length),
        null);
  }
}
