package dev.nightjar.engine.format;

import java.nio.ByteBuffer;

/** Encodes blocks of 32 elements as ggml's reference quantisers do. */
final class SmallBlockEncoder {
  private static final int SIZE = 32;
  private static final int HALF = SIZE / 2;

  private SmallBlockEncoder() {}

  /** Signed bytes. */
  static void encodeQ8(float[] values, int at, ByteBuffer out) {
    float largest = 0;
    for (int i = at; i < at + SIZE; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    float scale = largest / 127;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.putShort(Float.floatToFloat16(scale));
    for (int i = at; i < at + SIZE; i++) {
      out.put((byte) awayFromZero(values[i] * inverse));
    }
  }

  /** The nearest integer, ties away from zero. */
  private static int awayFromZero(float value) {
    int whole = (int) value;
    return Math.abs(value - whole) >= 0.5f ? whole + (int) Math.signum(value) : whole;
  }

  /** Four or five bits around zero. */
  static void encodeCentred(float[] values, int at, int bits, ByteBuffer out) {
    float extreme = 0; // the value of largest magnitude, with its sign, gets the least quant
    for (int i = at; i < at + SIZE; i++) {
      if (Math.abs(values[i]) > Math.abs(extreme)) {
        extreme = values[i];
      }
    }
    int half = 1 << bits - 1;
    float scale = extreme / -half;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.putShort(Float.floatToFloat16(scale));
    int[] quants = new int[SIZE];
    for (int i = 0; i < SIZE; i++) {
      quants[i] = Math.clamp((int) (values[at + i] * inverse + (half + 0.5f)), 0, 2 * half - 1);
    }
    put(quants, bits, out);
  }

  /** Four or five bits above the least value. */
  static void encodeShifted(float[] values, int at, int bits, ByteBuffer out) {
    float min = values[at];
    float max = values[at];
    for (int i = at; i < at + SIZE; i++) {
      min = Math.min(min, values[i]);
      max = Math.max(max, values[i]);
    }
    int largest = (1 << bits) - 1;
    float scale = (max - min) / largest;
    float inverse = scale == 0 ? 0 : 1 / scale;
    out.putShort(Float.floatToFloat16(scale)).putShort(Float.floatToFloat16(min));
    int[] quants = new int[SIZE];
    for (int i = 0; i < SIZE; i++) {
      quants[i] = Math.clamp((int) ((values[at + i] - min) * inverse + 0.5f), 0, largest);
    }
    put(quants, bits, out);
  }

  /** Fifth bits, if there are five, then pairs of four bits. */
  private static void put(int[] quants, int bits, ByteBuffer out) {
    if (bits == 5) {
      int fifths = 0;
      for (int i = 0; i < SIZE; i++) {
        fifths |= quants[i] >> 4 << i;
      }
      out.putInt(fifths);
    }
    for (int i = 0; i < HALF; i++) {
      out.put((byte) (quants[i] & 0xf | (quants[HALF + i] & 0xf) << 4));
    }
  }
}
