package dev.nightjar.engine.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Element types of tensors, with their exact conversion to fp32. */
public enum DType {
  /** IEEE 754 binary32. */
  F32(1, 4),
  /** IEEE 754 binary16. */
  F16(1, 2),
  /** The upper half of a binary32. */
  BF16(1, 2),
  /** GGML Q8_0: blocks of 32; an fp16 scale d, then 32 signed bytes q; value = d * q. */
  Q8_0(32, 34),
  /**
   * GGML Q4_0: blocks of 32; an fp16 scale d, then 16 bytes; low nibbles are elements 0-15, high
   * nibbles 16-31; value = d * (q - 8).
   */
  Q4_0(32, 18);

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int blockElements;
  private final int blockBytes;

  DType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Elements per block; 1 for plain types. The innermost dimension must be a multiple of it. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes per block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Bytes of {@code elements} consecutive elements, which must be whole blocks. */
  public long byteSize(long elements) {
    assert elements % blockElements == 0 : elements + " elements are not whole blocks of " + this;
    return Math.multiplyExact(elements / blockElements, (long) blockBytes);
  }

  /**
   * Converts {@code count} elements (whole blocks) that start at byte {@code offset} of {@code
   * data} to fp32.
   */
  public void toFloats(MemorySegment data, long offset, int count, float[] out, int outOffset) {
    switch (this) {
      case F32 -> {
        for (int i = 0; i < count; i++) {
          out[outOffset + i] = data.get(FLOAT, offset + 4L * i);
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          out[outOffset + i] = Float.float16ToFloat(data.get(SHORT, offset + 2L * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          out[outOffset + i] = Float.intBitsToFloat(data.get(SHORT, offset + 2L * i) << 16);
        }
      }
      case Q8_0 -> {
        for (int i = 0; i < count; i += blockElements) {
          long block = offset + (long) (i / blockElements) * blockBytes;
          float scale = Float.float16ToFloat(data.get(SHORT, block));
          for (int j = 0; j < blockElements; j++) {
            out[outOffset + i + j] = scale * data.get(ValueLayout.JAVA_BYTE, block + 2 + j);
          }
        }
      }
      case Q4_0 -> {
        int half = blockElements / 2;
        for (int i = 0; i < count; i += blockElements) {
          long block = offset + (long) (i / blockElements) * blockBytes;
          float scale = Float.float16ToFloat(data.get(SHORT, block));
          for (int j = 0; j < half; j++) {
            int packed = data.get(ValueLayout.JAVA_BYTE, block + 2 + j);
            out[outOffset + i + j] = scale * ((packed & 0xf) - 8);
            out[outOffset + i + half + j] = scale * (((packed >> 4) & 0xf) - 8);
          }
        }
      }
    }
  }
}
