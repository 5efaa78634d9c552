package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.PackedMatrix;

/**
 * One decoder layer, packed for the kernels. Biases are null where the architecture has none.
 *
 * @param attentionNorm {@code [C]}
 * @param query {@code [H*D, C]}
 * @param key {@code [K*D, C]}
 * @param value {@code [K*D, C]}
 * @param output {@code [C, H*D]}
 * @param feedForwardNorm {@code [C]}
 * @param gate {@code [F, C]}
 * @param up {@code [F, C]}
 * @param down {@code [C, F]}
 */
record LayerWeights(
    float[] attentionNorm,
    PackedMatrix query,
    float[] queryBias,
    PackedMatrix key,
    float[] keyBias,
    PackedMatrix value,
    float[] valueBias,
    PackedMatrix output,
    float[] outputBias,
    float[] feedForwardNorm,
    PackedMatrix gate,
    float[] gateBias,
    PackedMatrix up,
    float[] upBias,
    PackedMatrix down,
    float[] downBias) {

  /** Bytes of all matrices. */
  long byteSize() {
    return query.byteSize()
        + key.byteSize()
        + value.byteSize()
        + output.byteSize()
        + gate.byteSize()
        + up.byteSize()
        + down.byteSize();
  }
}
