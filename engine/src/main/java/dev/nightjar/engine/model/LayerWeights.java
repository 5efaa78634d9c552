package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.PackedMatrix;

/**
 * One decoder layer, packed for the kernels. Norms and biases are null where the architecture has
 * none.
 */
record LayerWeights(Attention attention, FeedForward feedForward) {

  /**
   * A linear map.
   *
   * @param weight {@code [out, in]}
   * @param bias {@code [out]}, or null
   */
  record Linear(PackedMatrix weight, float[] bias) {}

  /**
   * The attention sublayer.
   *
   * @param inputNorm {@code [C]}
   * @param query to {@code [H*D]}
   * @param queryNorm {@code [D]} or {@code [H*D]}
   * @param key to {@code [K*D]}
   * @param keyNorm {@code [D]} or {@code [K*D]}
   * @param value to {@code [K*D]}
   * @param output from {@code [H*D]}
   * @param outputNorm {@code [C]}
   */
  record Attention(
      float[] inputNorm,
      Linear query,
      float[] queryNorm,
      Linear key,
      float[] keyNorm,
      Linear value,
      Linear output,
      float[] outputNorm) {}

  /**
   * The feed-forward sublayer.
   *
   * @param inputNorm {@code [C]}
   * @param router to one score per expert; null for a dense layer, whose only expert is the first
   * @param outputNorm {@code [C]}
   */
  record FeedForward(
      float[] inputNorm, PackedMatrix router, Expert[] experts, float[] outputNorm) {}

  /**
   * A gated feed-forward network.
   *
   * @param gate to {@code [F]}
   * @param up to {@code [F]}
   * @param down from {@code [F]}
   */
  record Expert(Linear gate, Linear up, Linear down) {
    private long byteSize() {
      return gate.weight.byteSize() + up.weight.byteSize() + down.weight.byteSize();
    }
  }

  /** Bytes of all matrices. */
  long byteSize() {
    long bytes =
        attention.query.weight.byteSize()
            + attention.key.weight.byteSize()
            + attention.value.weight.byteSize()
            + attention.output.weight.byteSize();
    for (Expert expert : feedForward.experts) {
      bytes += expert.byteSize();
    }
    return bytes + (feedForward.router == null ? 0 : feedForward.router.byteSize());
  }
}
