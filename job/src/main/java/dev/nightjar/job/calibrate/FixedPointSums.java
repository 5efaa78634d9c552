package dev.nightjar.job.calibrate;

import java.io.Serializable;

/**
 * Sums of real numbers that do not depend on the order of addition: every addend is rounded to a
 * multiple of {@code 2^-fractionBits} and added as a whole number. Merging partial sums in any
 * order gives the same bits. Confined to one thread.
 */
final class FixedPointSums implements Serializable {
  private static final int MAX_FRACTION_BITS = 52;

  private final int fractionBits;
  private final long[] units;

  /**
   * Sums that are all zero.
   *
   * @param size number of sums
   * @param fractionBits binary digits after the point, from -62 up to 52
   */
  FixedPointSums(int size, int fractionBits) {
    if (fractionBits < -62 || fractionBits > MAX_FRACTION_BITS) {
      throw new IllegalArgumentException("fractionBits is " + fractionBits);
    }
    this.fractionBits = fractionBits;
    this.units = new long[size];
  }

  /**
   * The most binary digits after the point with which {@code addends} numbers of at most this
   * magnitude still fit.
   */
  static int fractionBitsFor(double magnitude, long addends) {
    int whole = Math.getExponent(Math.max(magnitude, Double.MIN_NORMAL)) + 1;
    int count = Long.SIZE - Long.numberOfLeadingZeros(Math.max(1, addends));
    return Math.clamp((long) 61 - whole - count, -62, MAX_FRACTION_BITS);
  }

  /**
   * Adds to one sum.
   *
   * @throws ArithmeticException when the value is not finite or the sum leaves the range
   */
  void add(int index, double value) {
    double scaled = Math.rint(Math.scalb(value, fractionBits));
    if (!(Math.abs(scaled) < 0x1p62)) {
      throw overflow(value);
    }
    units[index] = addExact(units[index], (long) scaled, value);
  }

  /** Adds the sums of {@code other}, which must have the same size and precision. */
  void merge(FixedPointSums other) {
    if (other.units.length != units.length || other.fractionBits != fractionBits) {
      throw new IllegalArgumentException("sums of different shape");
    }
    for (int i = 0; i < units.length; i++) {
      units[i] = addExact(units[i], other.units[i], other.value(i));
    }
  }

  private long addExact(long a, long b, double value) {
    try {
      return Math.addExact(a, b);
    } catch (ArithmeticException e) {
      throw (ArithmeticException) overflow(value).initCause(e);
    }
  }

  private ArithmeticException overflow(double value) {
    return new ArithmeticException(
        "a fixed-point sum with "
            + fractionBits
            + " binary digits after the point cannot take "
            + value
            + "; calibrate on fewer rows, and check that the model's activations are finite");
  }

  /** One sum. */
  double value(int index) {
    return Math.scalb((double) units[index], -fractionBits);
  }

  /** All sums divided by a count; zeros without any. */
  double[] means(long count) {
    double[] means = new double[units.length];
    for (int i = 0; i < means.length && count > 0; i++) {
      means[i] = value(i) / count;
    }
    return means;
  }
}
