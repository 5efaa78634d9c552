package dev.nightjar.engine.model;

import java.util.Arrays;

/**
 * Tokens of one sequence that left before the last layer and whose keys and values above are still
 * missing: each with its position, the layer it must go on from, and its residual there. In
 * position order. Confined to one thread.
 */
final class DeferredSlots {
  private final int hiddenSize;
  private int[] positions = new int[4];
  private int[] from = new int[4];
  private int[] memories = new int[4];
  private float[] residuals = new float[0];
  private int size;

  DeferredSlots(int hiddenSize) {
    this.hiddenSize = hiddenSize;
  }

  /** The same tokens for another sequence. */
  DeferredSlots copy() {
    DeferredSlots copy = new DeferredSlots(hiddenSize);
    copy.positions = positions.clone();
    copy.from = from.clone();
    copy.memories = memories.clone();
    copy.residuals = Arrays.copyOf(residuals, size * hiddenSize);
    copy.size = size;
    return copy;
  }

  int size() {
    return size;
  }

  int position(int index) {
    return positions[index];
  }

  int from(int index) {
    return from[index];
  }

  /** What its feed-forward rule remembered of it. */
  int memory(int index) {
    return memories[index];
  }

  /** Keeps what the feed-forward rule remembers of the token added last. */
  void remember(int memory) {
    memories[size - 1] = memory;
  }

  void read(int index, float[] out, int offset) {
    System.arraycopy(residuals, index * hiddenSize, out, offset, hiddenSize);
  }

  void clear() {
    size = 0;
  }

  /** Forgets all but the first {@code count}. */
  void truncate(int count) {
    size = Math.min(size, count);
  }

  void add(int position, int layer, float[] residual, int offset) {
    if (size == positions.length) {
      positions = Arrays.copyOf(positions, 2 * size);
      from = Arrays.copyOf(from, 2 * size);
      memories = Arrays.copyOf(memories, 2 * size);
    }
    if (residuals.length < (size + 1) * hiddenSize) {
      residuals = Arrays.copyOf(residuals, Math.max(4, 2 * size) * hiddenSize);
    }
    positions[size] = position;
    from[size] = layer;
    memories[size] = 0;
    System.arraycopy(residual, offset, residuals, size * hiddenSize, hiddenSize);
    size++;
  }

  /** Cells that these tokens have not run. */
  long waiting(int numLayers) {
    long cells = 0;
    for (int i = 0; i < size; i++) {
      cells += numLayers - from[i];
    }
    return cells;
  }
}
