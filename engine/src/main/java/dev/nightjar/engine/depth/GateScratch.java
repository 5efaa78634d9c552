package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.Scratch;

/** Working memory of gates; one per decoder, grown on demand. */
public final class GateScratch {
  final Scratch matmul;
  float[] hidden = new float[0];
  float[] normed = new float[0];
  float[] scores = new float[0];

  /** Scratch for gates that run on these kernels. */
  public GateScratch(Kernels kernels) {
    this.matmul = kernels.newScratch();
  }

  void ensure(int rows, int hiddenSize) {
    if (hidden.length < rows * hiddenSize) {
      hidden = new float[rows * hiddenSize];
      normed = new float[rows * hiddenSize];
    }
    if (scores.length < rows * 16) {
      scores = new float[rows * 16];
    }
  }
}
