package dev.nightjar.engine.decode;

import java.util.Arrays;

/**
 * What one step computes: how many slots of which sequences, in this order. Reused from step to
 * step; confined to its decoder's thread.
 */
final class StepPlan {
  private Sequence[] sequences = new Sequence[8];
  private int[] slots = new int[8];
  private int[] firstSlots = new int[8];
  private long[] cells = new long[8];
  private int size;

  void clear() {
    Arrays.fill(sequences, 0, size, null);
    size = 0;
  }

  void add(Sequence sequence, int count) {
    if (size == sequences.length) {
      sequences = Arrays.copyOf(sequences, 2 * size);
      slots = Arrays.copyOf(slots, 2 * size);
      firstSlots = Arrays.copyOf(firstSlots, 2 * size);
      cells = Arrays.copyOf(cells, 2 * size);
    }
    sequences[size] = sequence;
    slots[size++] = count;
  }

  /** Number of sequences. */
  int size() {
    return size;
  }

  Sequence sequence(int index) {
    return sequences[index];
  }

  int slots(int index) {
    return slots[index];
  }

  /** Notes where the slots of a sequence start in the step. */
  void start(int index, int slot) {
    firstSlots[index] = slot;
  }

  int firstSlot(int index) {
    return firstSlots[index];
  }

  /** Splits the time of the step just run over its sequences by the cells they ran. */
  void book(long startNanos, long endNanos) {
    long total = 0;
    for (int i = 0; i < size; i++) {
      cells[i] = sequences[i].newCells();
      total += cells[i];
    }
    for (int i = 0; i < size; i++) {
      double share = total == 0 ? 0 : (double) (endNanos - startNanos) * cells[i] / total;
      sequences[i].book(startNanos, endNanos, Math.round(share), size);
    }
  }
}
