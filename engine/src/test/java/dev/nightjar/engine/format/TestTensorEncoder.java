package dev.nightjar.engine.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TestTensorEncoder {
  @Test
  void bfloat16RoundsToNearestTiesToEven() {
    assertThat(TensorEncoder.bfloat16(1f)).isEqualTo((short) 0x3f80);
    assertThat(TensorEncoder.bfloat16(Float.intBitsToFloat(0x3f80_8000))).isEqualTo((short) 0x3f80);
    assertThat(TensorEncoder.bfloat16(Float.intBitsToFloat(0x3f81_8000))).isEqualTo((short) 0x3f82);
    assertThat(TensorEncoder.bfloat16(Float.intBitsToFloat(0x3f80_8001))).isEqualTo((short) 0x3f81);
    assertThat(TensorEncoder.bfloat16(Float.intBitsToFloat(0x7f80_0001)) & 0x7f)
        .as("a NaN must not become an infinity")
        .isNotZero();
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void encodedValuesComeBackWithinTheTypesPrecision(DType dtype) {
    Random random = new Random(5);
    float[] values = new float[512];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    float[] back = decode(dtype, encode(dtype, values));
    for (int block = 0; block < values.length; block += 32) {
      float largest = 0;
      for (int i = block; i < block + 32; i++) {
        largest = Math.max(largest, Math.abs(values[i]));
      }
      float tolerance =
          switch (dtype) {
            case F32 -> 0;
            case F16 -> largest * 0x1p-11f;
            case BF16 -> largest * 0x1p-8f;
            case Q8_0 -> largest / 127 * 0.51f + largest * 0x1p-10f;
            case Q6_K -> largest / 24;
            case Q5_0, Q5_1, Q5_K -> largest / 14;
            case Q4_0, Q4_1, Q4_K -> largest / 7; // the far end may be clipped by one step
            case IQ4_NL, IQ4_XS -> largest / 6;
            case Q3_K -> largest / 2.5f;
            case Q2_K -> largest;
          };
      for (int i = block; i < block + 32; i++) {
        assertThat(back[i]).as("%s element %d", dtype, i).isCloseTo(values[i], within(tolerance));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void zerosStayZeros(DType dtype) {
    for (float value : decode(dtype, encode(dtype, new float[256]))) {
      assertThat(Math.abs(value)).isZero(); // some types give -0, as ggml does
    }
  }

  @Test
  void q8MatchesAHandComputedBlock() {
    float[] values = new float[32];
    values[0] = 127f;
    values[1] = -63.4f;
    values[2] = -0.5f;
    byte[] block = encode(DType.Q8_0, values);
    assertThat(block).hasSize(34).startsWith(0x00, 0x3c, 127, -63, -1, 0);
  }

  @Test
  void q4MatchesAHandComputedBlock() {
    float[] values = new float[32];
    values[0] = -8f; // the extreme: scale 1, nibble 0
    values[1] = 7.6f; // 16.1, clipped to 15
    values[16] = 2.4f; // 10.9, cut to 10
    byte[] block = encode(DType.Q4_0, values);
    assertThat(block).hasSize(18).startsWith(0x00, 0x3c, 0xa0, 0x8f, 0x88);
  }

  private static byte[] encode(DType dtype, float[] values) {
    ByteBuffer out =
        ByteBuffer.allocate((int) dtype.byteSize(values.length)).order(ByteOrder.LITTLE_ENDIAN);
    new TensorEncoder().encode(dtype, values, out);
    assertThat(out.remaining()).isZero();
    return out.array();
  }

  private static float[] decode(DType dtype, byte[] bytes) {
    int count = bytes.length / dtype.blockBytes() * dtype.blockElements();
    float[] out = new float[count];
    dtype.toFloats(MemorySegment.ofArray(bytes), 0, count, out, 0);
    return out;
  }
}
