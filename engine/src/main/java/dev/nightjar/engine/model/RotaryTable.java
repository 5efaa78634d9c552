package dev.nightjar.engine.model;

import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Cosines and sines of rotary embeddings by position, computed a block at a time when first needed;
 * thread-safe.
 */
final class RotaryTable {
  private static final int BLOCK = 256;

  private final double[] inverseFrequencies;
  private final double magnitude;
  private final AtomicReferenceArray<float[][]> blocks;

  RotaryTable(RopeConfig rope, int headDim, boolean longRows, int contextLength) {
    this.inverseFrequencies = rope.inverseFrequencies(headDim, longRows);
    this.magnitude = rope.magnitude();
    this.blocks = new AtomicReferenceArray<>((contextLength + BLOCK - 1) / BLOCK);
  }

  /** Dimensions of a head that are rotated. */
  int dims() {
    return 2 * inverseFrequencies.length;
  }

  /** {@code {cos, sin}}, each {@code [BLOCK, dims / 2]}, of the block that holds a position. */
  float[][] block(int position) {
    int index = position / BLOCK;
    float[][] block = blocks.get(index);
    if (block == null) {
      block = compute(index * BLOCK);
      blocks.set(index, block);
    }
    return block;
  }

  /** Where a position's row starts within its block. */
  int offset(int position) {
    return position % BLOCK * inverseFrequencies.length;
  }

  /** StrictMath, so that every JVM and host computes the same bits. */
  private float[][] compute(int first) {
    int half = inverseFrequencies.length;
    float[] cos = new float[BLOCK * half];
    float[] sin = new float[BLOCK * half];
    for (int p = 0; p < BLOCK; p++) {
      for (int i = 0; i < half; i++) {
        double angle = (first + p) * inverseFrequencies[i];
        cos[p * half + i] = (float) (magnitude * StrictMath.cos(angle));
        sin[p * half + i] = (float) (magnitude * StrictMath.sin(angle));
      }
    }
    return new float[][] {cos, sin};
  }
}
