package dev.nightjar.engine.kernel;

import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Seeded inputs for kernel tests. */
final class KernelFixtures {
  /** What stands around outputs; kernels must leave it alone. */
  static final float GUARD = -12345.678f;

  private KernelFixtures() {}

  /** Normally distributed values. */
  static float[] gaussian(Random random, int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  /** An array full of {@link #GUARD}. */
  static float[] guarded(int count) {
    float[] x = new float[count];
    java.util.Arrays.fill(x, GUARD);
    return x;
  }

  /**
   * Pages with {@code length} normally distributed entries; what lies beyond them is NaN, which
   * must not matter.
   */
  static MemorySegment[] pages(Random random, KvLayout layout, int length) {
    int width = layout.kvHeads() * layout.headDim();
    MemorySegment[] pages = new MemorySegment[(length + Kernels.PAGE - 1) / Kernels.PAGE];
    for (int t = 0; t < length; t++) {
      if (t % Kernels.PAGE == 0) {
        pages[t / Kernels.PAGE] =
            Arena.ofAuto().allocate(layout.pageBytes(), KvLayout.ALIGNMENT).fill((byte) 0xff);
      }
      layout.write(
          pages[t / Kernels.PAGE],
          t % Kernels.PAGE,
          gaussian(random, width + 1),
          gaussian(random, width + 1),
          1);
    }
    return pages;
  }

  /**
   * A tensor {@code [rows, columns]} with every kind of finite value, subnormal and signed zero
   * ones included.
   *
   * @param columns whole blocks
   */
  static Tensor tensor(Random random, DType dtype, int rows, int columns) {
    byte[] bytes = new byte[Math.toIntExact(dtype.byteSize((long) rows * columns))];
    MemorySegment data = MemorySegment.ofArray(bytes);
    int step = dtype.blockBytes();
    for (int at = 0; at < bytes.length; at += step) {
      switch (dtype) {
        case F32 -> data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, (float) random.nextGaussian());
        case F16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, half(random));
        case BF16 -> {
          int bits = Float.floatToRawIntBits((float) random.nextGaussian());
          data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, (short) (bits >> 16));
        }
        case Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS -> block(random, data, at, step, 0);
        case Q4_1, Q5_1, Q4_K, Q5_K -> block(random, data, at, step, 0, 2);
        case Q2_K -> block(random, data, at, step, 80, 82);
        case Q3_K -> block(random, data, at, step, 108);
        case Q6_K -> block(random, data, at, step, 208);
      }
    }
    return new Tensor("w", dtype, new long[] {rows, columns}, data);
  }

  /** Random bits, but for halves at {@code halves}. */
  private static void block(Random random, MemorySegment data, int at, int size, int... halves) {
    for (int i = 0; i < size; i++) {
      data.set(ValueLayout.JAVA_BYTE, at + i, (byte) random.nextInt());
    }
    for (int half : halves) {
      data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at + half, half(random));
    }
  }

  /** At least {@code columns} columns, whole blocks of quantised types. */
  static int whole(DType dtype, int columns) {
    int block = dtype.blockElements();
    return (columns + block - 1) / block * block;
  }

  /** A finite half: usually about 0.01, now and then subnormal or zero of either sign. */
  static short half(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> (short) (random.nextInt(0x400) | (random.nextBoolean() ? 0x8000 : 0));
      case 1 -> (short) (random.nextBoolean() ? 0x8000 : 0);
      default -> Float.floatToFloat16((float) random.nextGaussian() * 0.01f);
    };
  }

  /**
   * Raw bits, with all NaNs made one: which of two NaNs an addition returns is nobody's promise.
   */
  static int bits(float x) {
    return Float.isNaN(x) ? Float.floatToIntBits(Float.NaN) : Float.floatToRawIntBits(x);
  }

  /** Throws if two arrays differ in a bit. */
  static void assertSameBits(float[] actual, float[] expected, String what) {
    if (actual.length != expected.length) {
      throw new AssertionError(
          what + ": " + actual.length + " elements, expected " + expected.length);
    }
    for (int i = 0; i < actual.length; i++) {
      if (bits(actual[i]) != bits(expected[i])) {
        throw new AssertionError(
            what
                + ": element "
                + i
                + " is "
                + Float.toHexString(actual[i])
                + " ("
                + actual[i]
                + "), expected "
                + Float.toHexString(expected[i])
                + " ("
                + expected[i]
                + ")");
      }
    }
  }
}
