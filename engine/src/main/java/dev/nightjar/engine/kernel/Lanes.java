package dev.nightjar.engine.kernel;

import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The vector shapes of this JVM, chosen once: C2 compiles vector code well only when they are
 * constants.
 */
final class Lanes {
  /** Bits of a vector. */
  static final int BITS = chooseBits();

  /** Vectors of {@link #COUNT} floats. */
  static final VectorSpecies<Float> FLOATS = species(float.class, BITS);

  /** Ints of the same shape as {@link #FLOATS}. */
  static final VectorSpecies<Integer> INTS = species(int.class, BITS);

  /** As many shorts as {@link #FLOATS} has lanes. */
  static final VectorSpecies<Short> SHORTS = species(short.class, BITS / 2);

  /**
   * As many bytes as {@link #FLOATS} has lanes, or twice as many where vectors have 128 bits: none
   * is shorter.
   */
  static final VectorSpecies<Byte> BYTES = species(byte.class, Math.max(64, BITS / 4));

  /** Floats in a vector: 4, 8 or 16. */
  static final int COUNT = BITS / Float.SIZE;

  /** Partial sums of the canonical order. */
  static final int PARTIALS = 16;

  /** Vectors that make up the partial sums. */
  static final int PARTS = PARTIALS / COUNT;

  /** Order of the bytes in packed matrices. */
  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

  /** 0, 1, 2, ... */
  static final FloatVector INDEX = FloatVector.zero(FLOATS).addIndex(1);

  /** Bring lane {@code i + 8}, {@code i + 4}, ... to lane i, for folding partial sums. */
  static final VectorShuffle<Float> FOLD_8 = fold(8);

  static final VectorShuffle<Float> FOLD_4 = fold(4);
  static final VectorShuffle<Float> FOLD_2 = fold(2);
  static final VectorShuffle<Float> FOLD_1 = fold(1);

  private Lanes() {}

  private static VectorShuffle<Float> fold(int half) {
    return VectorShuffle.fromOp(FLOATS, i -> (i + half) % COUNT);
  }

  private static int chooseBits() {
    int forced = KernelSelector.forcedBits();
    return forced > 0 ? forced : Math.min(VectorWidth.widestBits(), 512);
  }

  private static <E> VectorSpecies<E> species(Class<E> type, int bits) {
    return VectorSpecies.of(type, VectorShape.forBitSize(bits));
  }
}
