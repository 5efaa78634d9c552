package dev.nightjar.engine.model;

import java.util.Arrays;

/**
 * Residuals of the slots of one round of drafting after some layers, kept to see what a draft from
 * there would have been. Reused from round to round; confined to one thread.
 */
final class Shadows {
  private final int[] exits;
  private final int hiddenSize;
  private final float[][] residuals;
  private int first;
  private boolean on;

  Shadows(int[] exits, int hiddenSize) {
    this.exits = exits;
    this.hiddenSize = hiddenSize;
    this.residuals = new float[exits.length][0];
  }

  void begin(int firstPosition) {
    first = firstPosition;
    on = true;
  }

  void end() {
    on = false;
  }

  /** Keeps a slot's residual if this is one of the exits. */
  void keep(int layersRun, int position, float[] residual, int offset) {
    if (!on) {
      return;
    }
    for (int e = 0; e < exits.length; e++) {
      if (exits[e] == layersRun) {
        int index = position - first;
        if (residuals[e].length < (index + 1) * hiddenSize) {
          residuals[e] = Arrays.copyOf(residuals[e], 2 * (index + 1) * hiddenSize);
        }
        System.arraycopy(residual, offset, residuals[e], index * hiddenSize, hiddenSize);
      }
    }
  }

  /** Copies the residuals of the first slots after an exit. */
  void read(int exit, int slots, float[] out) {
    System.arraycopy(residuals[exit], 0, out, 0, slots * hiddenSize);
  }
}
