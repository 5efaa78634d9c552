package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.DType;
import java.nio.ByteBuffer;

/** Encodes fp32 values as the element types of model files, as ggml's reference quantisers do. */
final class TensorEncoder {
  private TensorEncoder() {}

  /** Appends {@code values}, whole blocks, to {@code out}, which is little-endian. */
  static void encode(DType dtype, float[] values, ByteBuffer out) {
    for (int block = 0; block < values.length; block += dtype.blockElements()) {
      switch (dtype) {
        case F32 -> out.putFloat(values[block]);
        case F16 -> out.putShort(Float.floatToFloat16(values[block]));
        case BF16 -> out.putShort(bfloat16(values[block]));
        case Q8_0 -> encodeQ8(values, block, out);
        case Q4_0 -> encodeQ4(values, block, out);
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

  private static void encodeQ8(float[] values, int block, ByteBuffer out) {
    float largest = 0;
    for (int i = 0; i < 32; i++) {
      largest = Math.max(largest, Math.abs(values[block + i]));
    }
    float scale = largest / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.putShort(Float.floatToFloat16(scale));
    for (int i = 0; i < 32; i++) {
      float quotient = values[block + i] * inverse;
      out.put((byte) (quotient + Math.copySign(0.5f, quotient))); // ties away from zero
    }
  }

  private static void encodeQ4(float[] values, int block, ByteBuffer out) {
    float extreme = 0; // the value of largest magnitude, with its sign, maps to -8
    for (int i = 0; i < 32; i++) {
      if (Math.abs(values[block + i]) > Math.abs(extreme)) {
        extreme = values[block + i];
      }
    }
    float scale = extreme / -8;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.putShort(Float.floatToFloat16(scale));
    for (int i = 0; i < 16; i++) {
      int low = nibble(values[block + i] * inverse);
      int high = nibble(values[block + 16 + i] * inverse);
      out.put((byte) (low | high << 4));
    }
  }

  private static int nibble(float scaled) {
    return Math.clamp((int) (scaled + 8.5f), 0, 15);
  }
}
