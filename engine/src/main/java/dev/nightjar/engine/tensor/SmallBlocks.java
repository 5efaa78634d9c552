package dev.nightjar.engine.tensor;

import java.lang.foreign.MemorySegment;

/** The formats of GGML's blocks of 32 elements; the scale comes first. */
final class SmallBlocks {
  private static final int HALF = 16;

  private SmallBlocks() {}

  /** Formats with an fp16 scale at the beginning. */
  private abstract static class Scaled extends BlockFormat {
    @Override
    public final float scale(MemorySegment data, long block) {
      return half(data, block);
    }
  }

  /** Formats whose fp16 scale is followed by an fp16 shift. */
  private abstract static class Shifted extends Scaled {
    @Override
    public final boolean shifts() {
      return true;
    }

    @Override
    public final float shift(MemorySegment data, long block) {
      return half(data, block + 2);
    }
  }

  /** Signed bytes behind the scale. */
  static final class Q8 extends Scaled {
    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < 2 * HALF; i++) {
        out[outOffset + i] = signedByte(data, block + 2 + i);
      }
    }
  }

  /** Four bits less 8. */
  static final class Q4 extends Scaled {
    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < HALF; i++) {
        int pair = unsignedByte(data, block + 2 + i);
        out[outOffset + i] = (pair & 0xf) - 8;
        out[outOffset + HALF + i] = (pair >> 4) - 8;
      }
    }
  }

  /** Four bits and a shift. */
  static final class Q4Shifted extends Shifted {
    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      for (int i = 0; i < HALF; i++) {
        int pair = unsignedByte(data, block + 4 + i);
        out[outOffset + i] = pair & 0xf;
        out[outOffset + HALF + i] = pair >> 4;
      }
    }
  }

  /** Five bits less 16; the fifth bits lie together in front of the others. */
  static final class Q5 extends Scaled {
    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      fiveBits(data, block + 2, -16, out, outOffset);
    }
  }

  /** Five bits and a shift. */
  static final class Q5Shifted extends Shifted {
    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      fiveBits(data, block + 4, 0, out, outOffset);
    }
  }

  private static void fiveBits(
      MemorySegment data, long offset, int bias, float[] out, int outOffset) {
    int low = BlockFormat.unsignedShort(data, offset);
    int high = BlockFormat.unsignedShort(data, offset + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = BlockFormat.unsignedByte(data, offset + 4 + i);
      out[outOffset + i] = (pair & 0xf | (low >> i & 1) << 4) + bias;
      out[outOffset + HALF + i] = (pair >> 4 | (high >> i & 1) << 4) + bias;
    }
  }

  /** Four bits that choose a value of a table. */
  static final class Iq4 extends Scaled {
    private static final byte[] VALUES = {
      -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
    };

    @Override
    public void quants(MemorySegment data, long block, float[] out, int outOffset) {
      fromTable(data, block + 2, out, outOffset);
    }

    /** The values of 32 elements whose bits begin at {@code offset}. */
    static void fromTable(MemorySegment data, long offset, float[] out, int outOffset) {
      for (int i = 0; i < HALF; i++) {
        int pair = unsignedByte(data, offset + i);
        out[outOffset + i] = VALUES[pair & 0xf];
        out[outOffset + HALF + i] = VALUES[pair >> 4];
      }
    }
  }
}
