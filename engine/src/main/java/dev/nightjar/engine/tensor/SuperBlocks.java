package dev.nightjar.engine.tensor;

import java.lang.foreign.MemorySegment;

/** The formats of GGML's blocks of 256 elements, whose spans have small factors of their own. */
final class SuperBlocks {
  private static final int SIZE = 256;

  private SuperBlocks() {}

  /** Formats with a factor of the shift, which is subtracted. */
  private abstract static class Shifted extends BlockFormat {
    /** Where the fp16 scale is; the shift follows. */
    abstract int scaleOffset();

    @Override
    public final float scale(MemorySegment data, long block) {
      return half(data, block + scaleOffset());
    }

    @Override
    public final boolean shifts() {
      return true;
    }

    @Override
    public final float shift(MemorySegment data, long block) {
      return -half(data, block + scaleOffset() + 2);
    }
  }

  /** Sixteen bytes of two four-bit factors, 64 bytes of four quants, scale, shift. */
  static final class Q2 extends Shifted {
    @Override
    int scaleOffset() {
      return 80;
    }

    @Override
    public int factor(MemorySegment data, long block, int span) {
      return unsignedByte(data, block + span) & 0xf;
    }

    @Override
    public int shiftFactor(MemorySegment data, long block, int span) {
      return unsignedByte(data, block + span) >> 4;
    }

    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < SIZE; i++) {
        out[outOffset + i] = twoBits(data, block + 16, i);
      }
    }
  }

  /** 32 bytes of third bits, 64 bytes of four quants each, twelve bytes of factors, scale. */
  static final class Q3 extends BlockFormat {
    @Override
    public float scale(MemorySegment data, long block) {
      return half(data, block + 108);
    }

    /** Six bits less 32: four in the first eight bytes, two in the last four. */
    @Override
    public int factor(MemorySegment data, long block, int span) {
      int low = unsignedByte(data, block + 96 + span % 8) >> span / 8 * 4 & 0xf;
      int high = unsignedByte(data, block + 104 + span % 4) >> span / 4 * 2 & 3;
      return (low | high << 4) - 32;
    }

    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < SIZE; i++) {
        int third = unsignedByte(data, block + i % 32) >> i / 32 & 1;
        out[outOffset + i] = (twoBits(data, block + 32, i) | third << 2) - 4;
      }
    }
  }

  /** Scale, shift, and twelve bytes of six-bit factors of 32 elements each. */
  private abstract static class SixBitFactors extends Shifted {
    @Override
    final int scaleOffset() {
      return 0;
    }

    /**
     * The first four factors are the low six bits of four bytes, and so are those of the shifts in
     * the next four; the others have four bits in the last four bytes and two on top of those.
     */
    @Override
    public final int factor(MemorySegment data, long block, int span) {
      int j = span / 2;
      long at = block + 4 + j;
      return j < 4
          ? unsignedByte(data, at) & 0x3f
          : unsignedByte(data, at + 4) & 0xf | unsignedByte(data, at - 4) >> 6 << 4;
    }

    @Override
    public final int shiftFactor(MemorySegment data, long block, int span) {
      int j = span / 2;
      long at = block + 4 + j;
      return j < 4
          ? unsignedByte(data, at + 4) & 0x3f
          : unsignedByte(data, at + 4) >> 4 | unsignedByte(data, at) >> 6 << 4;
    }
  }

  /** Behind the factors 128 bytes of two quants. */
  static final class Q4 extends SixBitFactors {
    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < SIZE; i++) {
        out[outOffset + i] = fourBits(data, block + 16, i);
      }
    }
  }

  /** Behind the factors 32 bytes of fifth bits and 128 bytes of two quants. */
  static final class Q5 extends SixBitFactors {
    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < SIZE; i++) {
        int fifth = unsignedByte(data, block + 16 + i % 32) >> i / 32 & 1;
        out[outOffset + i] = fourBits(data, block + 48, i) | fifth << 4;
      }
    }
  }

  /** 128 bytes of lower halves, 64 of upper quarters, 16 signed factors, scale. */
  static final class Q6 extends BlockFormat {
    @Override
    public float scale(MemorySegment data, long block) {
      return half(data, block + 208);
    }

    @Override
    public int factor(MemorySegment data, long block, int span) {
      return signedByte(data, block + 192 + span);
    }

    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < SIZE; i++) {
        int low = unsignedByte(data, block + i / 128 * 64 + i % 64) >> i % 128 / 64 * 4 & 0xf;
        out[outOffset + i] = (low | twoBits(data, block + 128, i) << 4) - 32;
      }
    }
  }

  /** Scale, sixteen bits and four bytes of factors of 32 elements each, 128 bytes of two quants. */
  static final class Iq4 extends BlockFormat {
    @Override
    public float scale(MemorySegment data, long block) {
      return half(data, block);
    }

    @Override
    public int factor(MemorySegment data, long block, int span) {
      int j = span / 2;
      int low = unsignedByte(data, block + 4 + j / 2) >> j % 2 * 4 & 0xf;
      int high = unsignedShort(data, block + 2) >> 2 * j & 3;
      return (low | high << 4) - 32;
    }

    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < SIZE; i += 32) {
        SmallBlocks.Iq4.fromTable(data, block + 8 + i / 2, out, outOffset + i);
      }
    }
  }

  /** Elements 0 to 31 of 128 have the lowest two bits of 32 bytes, the next 32 the bits above. */
  private static int twoBits(MemorySegment data, long offset, int i) {
    return BlockFormat.unsignedByte(data, offset + i / 128 * 32 + i % 32) >> i % 128 / 32 * 2 & 3;
  }

  /** Elements 0 to 31 of 64 have the lower halves of 32 bytes, the next 32 the upper ones. */
  private static int fourBits(MemorySegment data, long offset, int i) {
    return BlockFormat.unsignedByte(data, offset + i / 64 * 32 + i % 32) >> i % 64 / 32 * 4 & 0xf;
  }
}
