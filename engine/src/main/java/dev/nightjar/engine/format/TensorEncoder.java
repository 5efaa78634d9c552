package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.DType;
import java.nio.ByteBuffer;

/**
 * Encodes fp32 values as the element types of model files, as ggml's reference quantisers do. Not
 * safe for concurrent use.
 */
final class TensorEncoder {
  private final SuperBlockEncoder superBlocks = new SuperBlockEncoder();
  private final TableEncoder tables = new TableEncoder();

  /** Appends {@code values}, whole blocks, to {@code out}, which is little-endian. */
  void encode(DType dtype, float[] values, ByteBuffer out) {
    for (int block = 0; block < values.length; block += dtype.blockElements()) {
      switch (dtype) {
        case F32 -> out.putFloat(values[block]);
        case F16 -> out.putShort(Float.floatToFloat16(values[block]));
        case BF16 -> out.putShort(bfloat16(values[block]));
        case Q8_0 -> SmallBlockEncoder.encodeQ8(values, block, out);
        case Q4_0 -> SmallBlockEncoder.encodeCentred(values, block, 4, out);
        case Q5_0 -> SmallBlockEncoder.encodeCentred(values, block, 5, out);
        case Q4_1 -> SmallBlockEncoder.encodeShifted(values, block, 4, out);
        case Q5_1 -> SmallBlockEncoder.encodeShifted(values, block, 5, out);
        case Q2_K, Q3_K, Q4_K, Q5_K, Q6_K -> superBlocks.encode(dtype, values, block, out);
        case IQ4_NL, IQ4_XS -> tables.encode(dtype, values, block, out);
      }
    }
  }

  /** Rounds to the nearest bfloat16, ties to even. */
  static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) ((bits >>> 16) | 0x40); // keep it a NaN
    }
    return (short) ((bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16);
  }
}
