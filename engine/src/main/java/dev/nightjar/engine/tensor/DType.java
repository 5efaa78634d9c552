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
  /** GGML Q8_0: signed bytes; 8.5 bits an element. */
  Q8_0(32, 34, new SmallBlocks.Q8()),
  /** GGML Q4_0: four bits; 4.5 bits an element. */
  Q4_0(32, 18, new SmallBlocks.Q4()),
  /** GGML Q4_1: four bits and a shift; 5 bits an element. */
  Q4_1(32, 20, new SmallBlocks.Q4Shifted()),
  /** GGML Q5_0: five bits; 5.5 bits an element. */
  Q5_0(32, 22, new SmallBlocks.Q5()),
  /** GGML Q5_1: five bits and a shift; 6 bits an element. */
  Q5_1(32, 24, new SmallBlocks.Q5Shifted()),
  /** GGML Q2_K: two bits, with shifts; 2.625 bits an element. */
  Q2_K(256, 84, new SuperBlocks.Q2()),
  /** GGML Q3_K: three bits; 3.4375 bits an element. */
  Q3_K(256, 110, new SuperBlocks.Q3()),
  /** GGML Q4_K: four bits, with shifts; 4.5 bits an element. */
  Q4_K(256, 144, new SuperBlocks.Q4()),
  /** GGML Q5_K: five bits, with shifts; 5.5 bits an element. */
  Q5_K(256, 176, new SuperBlocks.Q5()),
  /** GGML Q6_K: six bits; 6.5625 bits an element. */
  Q6_K(256, 210, new SuperBlocks.Q6()),
  /** GGML IQ4_NL: four bits into a table; 4.5 bits an element. */
  IQ4_NL(32, 18, new SmallBlocks.Iq4()),
  /** GGML IQ4_XS: four bits into a table; 4.25 bits an element. */
  IQ4_XS(256, 136, new SuperBlocks.Iq4());

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final int blockElements;
  private final int blockBytes;
  private final BlockFormat format;

  DType(int blockElements, int blockBytes) {
    this(blockElements, blockBytes, null);
  }

  DType(int blockElements, int blockBytes, BlockFormat format) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
    this.format = format;
  }

  /** Elements per block; 1 for plain types. The innermost dimension must be a multiple of it. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes per block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Whether elements are quants of blocks with scales. */
  public boolean isQuantised() {
    return format != null;
  }

  /** How the blocks of a quantised type are laid out. */
  public BlockFormat format() {
    if (format == null) {
      throw new IllegalStateException(this + " has no blocks");
    }
    return format;
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
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS -> {
        for (int i = 0; i < count; i += blockElements) {
          long block = offset + (long) (i / blockElements) * blockBytes;
          format.toFloats(data, block, blockElements, out, outOffset + i);
        }
      }
    }
  }
}
