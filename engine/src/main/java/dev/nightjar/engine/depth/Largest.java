package dev.nightjar.engine.depth;

import java.util.Arrays;

/** Picks the largest of some numbers. */
final class Largest {
  private Largest() {}

  /**
   * Sets {@code chosen} at the {@code count} largest of {@code values[from .. to)}, the lower index
   * first among equals; NaN counts as larger than any number.
   */
  static void mark(float[] values, int from, int to, int count, boolean[] chosen) {
    int wanted = Math.min(count, to - from);
    if (wanted <= 0) {
      return;
    }
    float[] sorted = Arrays.copyOfRange(values, from, to);
    Arrays.sort(sorted);
    float least = sorted[sorted.length - wanted];
    int left = wanted;
    for (int i = from; i < to; i++) {
      if (Float.compare(values[i], least) > 0) {
        chosen[i] = true;
        left--;
      }
    }
    for (int i = from; i < to && left > 0; i++) {
      if (Float.compare(values[i], least) == 0) {
        chosen[i] = true;
        left--;
      }
    }
  }
}
