package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.kernel.Scratch;

/**
 * {@code y = W x + b}, a part of routers and probes. Immutable and safe for concurrent use.
 *
 * @param weight {@code [out, in]}
 * @param bias {@code [out]}
 */
record Linear(PackedMatrix weight, float[] bias) {

  /** The tensors {@code prefix + "weight"} and {@code prefix + "bias"} of an artefact. */
  static Linear of(PolicyContext context, DepthArtefact artefact, String prefix, int out, int in) {
    return new Linear(
        context.matrix(artefact, prefix + "weight", out, in),
        artefact.floats(prefix + "bias", out));
  }

  int outputs() {
    return bias.length;
  }

  /** Multiply-adds for one input. */
  long macs() {
    return (long) weight.rows() * weight.columns();
  }

  /**
   * Applies it to several rows.
   *
   * @param x {@code [rows, in]}, contiguous
   * @param out {@code [rows, out]}, contiguous, overwritten
   */
  void apply(Kernels kernels, float[] x, int rows, float[] out, Scratch scratch) {
    int outputs = outputs();
    kernels.matmul(weight, x, weight.columns(), rows, out, outputs, scratch);
    for (int row = 0; row < rows; row++) {
      kernels.add(out, row * outputs, bias, 0, outputs);
    }
  }
}
