package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.DType;
import java.nio.ByteBuffer;

/**
 * Encodes blocks of 256 elements as ggml's reference quantisers do. Not safe for concurrent use.
 */
final class SuperBlockEncoder {
  private static final int SIZE = 256;

  private static final ScaleSearch.Grid TWO_BITS = new ScaleSearch.Grid(-0.5f, 0.1f, 15, true);
  private static final ScaleSearch.Grid FOUR_BITS = new ScaleSearch.Grid(-1f, 0.1f, 20, false);
  private static final ScaleSearch.Grid FIVE_BITS = new ScaleSearch.Grid(-0.5f, 0.1f, 15, false);

  private final ScaleSearch search = new ScaleSearch();
  private final float[] scales = new float[16];
  private final float[] minima = new float[16];
  private final int[] factors = new int[16];
  private final int[] minimumFactors = new int[16];
  private final int[] quants = new int[SIZE];
  private short scale;
  private short minimum;

  /** Appends the block of the values from {@code at} on. */
  void encode(DType dtype, float[] values, int at, ByteBuffer out) {
    switch (dtype) {
      case Q2_K -> encodeQ2(values, at, out);
      case Q3_K -> encodeQ3(values, at, out);
      case Q4_K -> encodeQ4(values, at, out);
      case Q5_K -> encodeQ5(values, at, out);
      case Q6_K -> encodeQ6(values, at, out);
      case F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL, IQ4_XS ->
          throw new IllegalArgumentException(dtype + " is not encoded here");
    }
  }

  private void encodeQ2(float[] values, int at, ByteBuffer out) {
    findShifted(values, at, 16, 3, 15, TWO_BITS);
    for (int span = 0; span < 16; span++) {
      out.put((byte) (factors[span] | minimumFactors[span] << 4));
    }
    putTwoBits(out);
    out.putShort(scale).putShort(minimum);
  }

  private void encodeQ4(float[] values, int at, ByteBuffer out) {
    findShifted(values, at, 32, 15, 63, FOUR_BITS);
    out.putShort(scale).putShort(minimum);
    putSixBitFactors(out);
    putFourBits(out);
  }

  private void encodeQ5(float[] values, int at, ByteBuffer out) {
    findShifted(values, at, 32, 31, 63, FIVE_BITS);
    out.putShort(scale).putShort(minimum);
    putSixBitFactors(out);
    for (int i = 0; i < 32; i++) {
      int fifths = 0;
      for (int part = 0; part < 8; part++) {
        fifths |= quants[32 * part + i] >> 4 << part;
      }
      out.put((byte) fifths);
    }
    putFourBits(out);
  }

  /** Scales and minima of spans, their factors, and quants from 0 to {@code largest}. */
  private void findShifted(
      float[] values, int at, int span, int largest, int largestFactor, ScaleSearch.Grid grid) {
    int spans = SIZE / span;
    float maxScale = 0;
    float maxMinimum = 0;
    for (int j = 0; j < spans; j++) {
      weigh(values, at + j * span, span, grid);
      scales[j] = search.withMinimum(values, at + j * span, span, largest, grid);
      minima[j] = search.minimum;
      System.arraycopy(search.quants, 0, quants, j * span, span);
      maxScale = Math.max(maxScale, scales[j]);
      maxMinimum = Math.max(maxMinimum, minima[j]);
    }
    float inverseScale = maxScale > 0 ? largestFactor / maxScale : 0;
    float inverseMinimum = maxMinimum > 0 ? largestFactor / maxMinimum : 0;
    scale = Float.floatToFloat16(maxScale / largestFactor);
    minimum = Float.floatToFloat16(maxMinimum / largestFactor);
    for (int j = 0; j < spans; j++) {
      factors[j] = Math.min(largestFactor, ScaleSearch.nearest(inverseScale * scales[j]));
      minimumFactors[j] = Math.min(largestFactor, ScaleSearch.nearest(inverseMinimum * minima[j]));
      float spanScale = Float.float16ToFloat(scale) * factors[j];
      float spanMinimum = Float.float16ToFloat(minimum) * minimumFactors[j];
      requantise(values, at, j * span, span, spanScale, spanMinimum, 0, largest);
    }
  }

  private void weigh(float[] values, int from, int span, ScaleSearch.Grid grid) {
    float offset = 0;
    if (!grid.absolute()) {
      float squares = 0;
      for (int i = from; i < from + span; i++) {
        squares += values[i] * values[i];
      }
      offset = (float) Math.sqrt(squares / span);
    }
    for (int i = 0; i < span; i++) {
      search.weights[i] = offset + Math.abs(values[from + i]);
    }
  }

  /** Quants for the rounded scale, stored less {@code least}; a scale of zero leaves them. */
  private void requantise(
      float[] values,
      int at,
      int first,
      int count,
      float spanScale,
      float spanMinimum,
      int least,
      int largest) {
    if (spanScale == 0) {
      return;
    }
    for (int i = first; i < first + count; i++) {
      int quant = ScaleSearch.nearest((values[at + i] + spanMinimum) / spanScale);
      quants[i] = Math.clamp(quant, least, largest) - least;
    }
  }

  private void encodeQ3(float[] values, int at, ByteBuffer out) {
    float extreme = 0;
    for (int span = 0; span < 16; span++) {
      scales[span] = search.refined(values, at + 16 * span, 16, 4);
      System.arraycopy(search.quants, 0, quants, 16 * span, 16);
      if (Math.abs(scales[span]) > Math.abs(extreme)) {
        extreme = scales[span];
      }
    }
    byte[] packed = new byte[12];
    float inverse = extreme == 0 ? 0 : -32 / extreme;
    scale = extreme == 0 ? 0 : Float.floatToFloat16(1 / inverse);
    for (int span = 0; span < 16; span++) {
      // Without an extreme all bits stay zero, which stands for -32.
      int factor =
          extreme == 0 ? 0 : Math.clamp(ScaleSearch.nearest(inverse * scales[span]), -32, 31) + 32;
      packed[span % 8] |= (byte) ((factor & 0xf) << span / 8 * 4);
      packed[8 + span % 4] |= (byte) (factor >> 4 << span / 4 * 2);
      float spanScale = Float.float16ToFloat(scale) * (factor - 32);
      requantise(values, at, 16 * span, 16, spanScale, 0, -4, 3);
    }
    for (int i = 0; i < 32; i++) {
      int thirds = 0;
      for (int part = 0; part < 8; part++) {
        thirds |= quants[32 * part + i] >> 2 << part;
      }
      out.put((byte) thirds);
    }
    putTwoBits(out);
    out.put(packed).putShort(scale);
  }

  private void encodeQ6(float[] values, int at, ByteBuffer out) {
    float extreme = 0;
    for (int span = 0; span < 16; span++) {
      scales[span] = search.symmetric(values, at + 16 * span, 16, 32);
      System.arraycopy(search.quants, 0, quants, 16 * span, 16);
      if (Math.abs(scales[span]) > Math.abs(extreme)) {
        extreme = scales[span];
      }
    }
    if (Math.abs(extreme) < 1e-15f) {
      out.put(new byte[DType.Q6_K.blockBytes()]);
      return;
    }
    float inverse = -128 / extreme;
    scale = Float.floatToFloat16(1 / inverse);
    for (int span = 0; span < 16; span++) {
      factors[span] = Math.min(127, ScaleSearch.nearest(inverse * scales[span]));
      float spanScale = Float.float16ToFloat(scale) * factors[span];
      requantise(values, at, 16 * span, 16, spanScale, 0, -32, 31);
    }
    for (int i = 0; i < SIZE / 2; i++) {
      int first = i / 64 * 128 + i % 64;
      out.put((byte) (quants[first] & 0xf | (quants[first + 64] & 0xf) << 4));
    }
    for (int i = 0; i < SIZE / 4; i++) {
      int bits = 0;
      for (int part = 0; part < 4; part++) {
        bits |= quants[i / 32 * 128 + i % 32 + 32 * part] >> 4 << 2 * part;
      }
      out.put((byte) bits);
    }
    for (int span = 0; span < 16; span++) {
      out.put((byte) factors[span]);
    }
    out.putShort(scale);
  }

  private void putSixBitFactors(ByteBuffer out) {
    for (int j = 0; j < 4; j++) {
      out.put((byte) (factors[j] | factors[j + 4] >> 4 << 6));
    }
    for (int j = 0; j < 4; j++) {
      out.put((byte) (minimumFactors[j] | minimumFactors[j + 4] >> 4 << 6));
    }
    for (int j = 4; j < 8; j++) {
      out.put((byte) (factors[j] & 0xf | (minimumFactors[j] & 0xf) << 4));
    }
  }

  private void putFourBits(ByteBuffer out) {
    for (int i = 0; i < SIZE / 2; i++) {
      int first = i / 32 * 64 + i % 32;
      out.put((byte) (quants[first] & 0xf | (quants[first + 32] & 0xf) << 4));
    }
  }

  private void putTwoBits(ByteBuffer out) {
    for (int i = 0; i < SIZE / 4; i++) {
      int bits = 0;
      for (int part = 0; part < 4; part++) {
        bits |= (quants[i / 32 * 128 + i % 32 + 32 * part] & 3) << 2 * part;
      }
      out.put((byte) bits);
    }
  }
}
