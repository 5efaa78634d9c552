package dev.nightjar.engine.kernel;

/**
 * Constants that turn four bits u of an int into the float {@code scale * (u - 8)} with two
 * operations: {@code (bits & mask | one)} is the float {@code one + u}, and {@code fma(one + u,
 * scale, bias * scale)} takes the rest away. Nothing is rounded but the result, which needs no
 * rounding either: scales were fp16, and have eleven significant bits. Zeros come out positive.
 * Where more than a scale is to be applied, {@code one} is subtracted first.
 */
final class Nibbles {
  /** Bits 8 to 11, behind 2^15. */
  static final int LOW_SHIFT = 8;

  static final int LOW = 0xf00;

  /** What stands for zero. */
  static final float LOW_UNIT = 0x1p15f;

  static final int LOW_ONE = Float.floatToRawIntBits(LOW_UNIT);
  static final float LOW_BIAS = -(LOW_UNIT + 8);

  /** Bits 12 to 15, behind 2^11. */
  static final int MIDDLE = 0xf000;

  static final int MIDDLE_ONE = Float.floatToRawIntBits(0x1p11f);
  static final float MIDDLE_BIAS = -(0x1p11f + 8);

  /** Bits 16 to 19, behind 2^7. */
  static final int HIGH = 0xf0000;

  static final int HIGH_ONE = Float.floatToRawIntBits(0x1p7f);
  static final float HIGH_BIAS = -(0x1p7f + 8);

  private Nibbles() {}
}
