package dev.nightjar.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class TestDType {
  private static final float GUARD = 12345f;

  @Test
  void f32IsReadUnchanged() {
    ByteBuffer data = buffer(16);
    data.putFloat(1.5f).putFloat(-0f).putFloat(Float.MIN_VALUE).putFloat(Float.NEGATIVE_INFINITY);
    assertBits(decode(DType.F32, data, 0, 4), 1.5f, -0f, Float.MIN_VALUE, Float.NEGATIVE_INFINITY);
  }

  @Test
  void f16CoversNormalSubnormalAndSpecialValues() {
    ByteBuffer data = buffer(16);
    for (int bits : new int[] {0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x0400, 0x8000, 0xfc00}) {
      data.putShort((short) bits);
    }
    assertBits(
        decode(DType.F16, data, 0, 8),
        1f,
        -2f,
        65504f,
        0x1p-24f,
        1023 * 0x1p-24f,
        0x1p-14f,
        -0f,
        Float.NEGATIVE_INFINITY);
  }

  @Test
  void f16NotANumberStaysOne() {
    assertThat(decode(DType.F16, buffer(2).putShort((short) 0x7e00), 0, 1)[0]).isNaN();
  }

  @Test
  void bf16IsTheUpperHalfOfAFloat() {
    ByteBuffer data = buffer(10);
    for (int bits : new int[] {0x3f80, 0xc049, 0x0001, 0x7f7f, 0x7f80}) {
      data.putShort((short) bits);
    }
    assertBits(
        decode(DType.BF16, data, 0, 5),
        1f,
        -3.140625f,
        Float.intBitsToFloat(0x0001_0000),
        Float.intBitsToFloat(0x7f7f_0000),
        Float.POSITIVE_INFINITY);
  }

  @Test
  void q8ScalesSignedBytes() {
    ByteBuffer data = buffer(2 * 34);
    data.putShort((short) 0x3800); // 0.5
    for (int i = 0; i < 32; i++) {
      data.put((byte) (i * 8 - 128));
    }
    data.putShort((short) 0xc000); // -2
    for (int i = 0; i < 32; i++) {
      data.put((byte) (127 - i));
    }
    float[] expected = new float[64];
    for (int i = 0; i < 32; i++) {
      expected[i] = i * 4 - 64;
      expected[32 + i] = -254 + 2 * i;
    }
    assertBits(decode(DType.Q8_0, data, 0, 64), expected);
  }

  @Test
  void q4LowNibblesComeFirst() {
    ByteBuffer data = buffer(2 * 18);
    data.putShort((short) 0x3c00); // 1
    for (int i = 0; i < 16; i++) {
      data.put((byte) (i | (15 - i) << 4));
    }
    data.putShort((short) 0x3400); // 0.25
    for (int i = 0; i < 16; i++) {
      data.put((byte) 0x8f);
    }
    float[] expected = new float[64];
    for (int i = 0; i < 16; i++) {
      expected[i] = i - 8;
      expected[16 + i] = 7 - i;
      expected[32 + i] = 1.75f;
      expected[48 + i] = 0f;
    }
    assertBits(decode(DType.Q4_0, data, 0, 64), expected);
  }

  @Test
  void offsetsNeedNotBeAligned() {
    ByteBuffer data = buffer(3 + 34);
    data.position(3);
    data.putShort((short) 0x3c00).put((byte) -7);
    float[] values = decode(DType.Q8_0, data, 3, 32);
    assertThat(values[0]).isEqualTo(-7f);
    assertThat(values[1]).isZero();
  }

  @Test
  void byteSizeCountsBlocks() {
    assertThat(DType.F32.byteSize(3)).isEqualTo(12);
    assertThat(DType.F16.byteSize(3)).isEqualTo(6);
    assertThat(DType.BF16.byteSize(3)).isEqualTo(6);
    assertThat(DType.Q8_0.byteSize(64)).isEqualTo(68);
    assertThat(DType.Q4_0.byteSize(64)).isEqualTo(36);
    assertThat(DType.F32.byteSize(1L << 40)).isEqualTo(1L << 42);
  }

  /** Decodes into the middle of a guarded array. */
  private static float[] decode(DType dtype, ByteBuffer data, long offset, int count) {
    float[] out = new float[count + 4];
    Arrays.fill(out, GUARD);
    dtype.toFloats(MemorySegment.ofArray(data.array()), offset, count, out, 2);
    assertThat(new float[] {out[0], out[1], out[count + 2], out[count + 3]}).containsOnly(GUARD);
    return Arrays.copyOfRange(out, 2, count + 2);
  }

  private static void assertBits(float[] found, float... expected) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      assertThat(Float.floatToRawIntBits(found[i]))
          .as("element %d: %s, expected %s", i, found[i], expected[i])
          .isEqualTo(Float.floatToRawIntBits(expected[i]));
    }
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
