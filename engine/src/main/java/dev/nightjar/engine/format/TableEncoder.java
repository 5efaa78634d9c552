package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.DType;
import java.nio.ByteBuffer;

/**
 * Encodes the types whose four bits choose a value of a table, as ggml's quantisers do without an
 * importance matrix. Not safe for concurrent use.
 */
final class TableEncoder {
  /** The table, as published with the types. */
  private static final int[] TABLE = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private static final int SPAN = 32;
  private static final int TRIALS = 7;
  private static final float SMALLEST = 1e-15f;

  private final float[] scales = new float[8];

  /** Appends the block of the values from {@code at} on. */
  void encode(DType dtype, float[] values, int at, ByteBuffer out) {
    if (dtype == DType.IQ4_NL) {
      float scale = search(values, at);
      out.putShort(Float.floatToFloat16(scale));
      put(values, at, scale, out);
      return;
    }
    float extreme = 0;
    for (int j = 0; j < 8; j++) {
      scales[j] = search(values, at + SPAN * j);
      if (Math.abs(scales[j]) > Math.abs(extreme)) {
        extreme = scales[j];
      }
    }
    float scale = -extreme / 32;
    float inverse = scale == 0 ? 0 : 1 / scale;
    int high = 0;
    int low = 0;
    for (int j = 0; j < 8; j++) {
      int factor = Math.clamp(ScaleSearch.nearest(inverse * scales[j]), -32, 31);
      scales[j] = scale * factor;
      low |= (factor + 32 & 0xf) << 4 * j;
      high |= factor + 32 >> 4 << 2 * j;
    }
    out.putShort(Float.floatToFloat16(scale)).putShort((short) high).putInt(low);
    for (int j = 0; j < 8; j++) {
      put(values, at + SPAN * j, scales[j], out);
    }
  }

  /** The scale with the smallest error, weighed with the squares of the values. */
  private static float search(float[] values, int at) {
    float extreme = 0;
    for (int i = at; i < at + SPAN; i++) {
      if (Math.abs(values[i]) > Math.abs(extreme)) {
        extreme = values[i];
      }
    }
    if (Math.abs(extreme) < SMALLEST) {
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int trial = -TRIALS - 1; trial <= TRIALS; trial++) {
      boolean first = trial < -TRIALS;
      float inverse = first ? 1 / (-extreme / TABLE[0]) : (trial + TABLE[0]) / extreme;
      float sumQx = 0;
      float sumQ2 = 0;
      for (int i = at; i < at + SPAN; i++) {
        float value = values[i];
        float quant = TABLE[nearestIndex(inverse * value)];
        float weighed = value * value * quant;
        sumQx += weighed * value;
        sumQ2 += weighed * quant;
      }
      if (first || sumQ2 > 0 && sumQx * sumQx > best * sumQ2) {
        scale = sumQ2 > 0 ? sumQx / sumQ2 : 0;
        best = scale * sumQx;
      }
    }
    return scale;
  }

  private static void put(float[] values, int at, float scale, ByteBuffer out) {
    float inverse = scale == 0 ? 0 : 1 / scale;
    for (int i = at; i < at + SPAN / 2; i++) {
      int low = nearestIndex(inverse * values[i]);
      out.put((byte) (low | nearestIndex(inverse * values[i + SPAN / 2]) << 4));
    }
  }

  /** The table's value closest to a number, the upper one of two. */
  private static int nearestIndex(float value) {
    int index = 0;
    for (int step = TABLE.length / 2; step > 0; step /= 2) {
      int next = index + step;
      if (2 * value >= TABLE[next - 1] + TABLE[next]) {
        index = next;
      }
    }
    return index;
  }
}
