package dev.nightjar.engine.model;

import java.util.List;

/**
 * Rotary position embedding (Su et al., arXiv:2104.09864) in the half-rotation layout: dimension
 * {@code i} of a head is paired with {@code i + dims/2}.
 *
 * @param theta base of the geometric series of frequencies
 * @param dims leading dimensions of a head that are rotated; 0 for all of them
 */
public record RopeConfig(double theta, Scaling scaling, int dims) {

  /** How frequencies are stretched for long contexts. */
  public sealed interface Scaling {}

  /** Frequencies as they are. */
  public record None() implements Scaling {}

  /** All frequencies divided by {@code factor}. */
  public record Linear(double factor) implements Scaling {}

  /**
   * Llama 3.1's rule: low frequencies divided by {@code factor}, high ones kept, a smooth ramp
   * between.
   */
  public record Llama3(
      double factor, double lowFreqFactor, double highFreqFactor, int originalContextLength)
      implements Scaling {}

  /**
   * Frequency {@code i} divided by {@code divisors[i]}, as GGUF files list them ({@code
   * rope_freqs.weight}).
   *
   * @param divisors {@code [dims / 2]}, each positive
   */
  public record Factors(List<Float> divisors) implements Scaling {
    public Factors {
      divisors = List.copyOf(divisors);
    }
  }

  /**
   * LongRoPE (Ding et al., arXiv:2402.13753): divisors as in {@link Factors}, one list for rows
   * that stay within the original context, prompt and most generated tokens together, another one
   * for longer rows.
   *
   * @param magnitude what rotated vectors are multiplied by
   */
  public record LongRope(
      List<Float> shortDivisors,
      List<Float> longDivisors,
      int originalContextLength,
      double magnitude)
      implements Scaling {
    public LongRope {
      shortDivisors = List.copyOf(shortDivisors);
      longDivisors = List.copyOf(longDivisors);
    }
  }

  /** Whole heads. */
  public RopeConfig(double theta, Scaling scaling) {
    this(theta, scaling, 0);
  }

  /** Dimensions of a head of this size that are rotated. */
  public int dims(int headDim) {
    return dims == 0 ? headDim : dims;
  }

  /** What rotated vectors are multiplied by. */
  public double magnitude() {
    return scaling instanceof LongRope longRope ? longRope.magnitude() : 1;
  }

  /** Whether a row of so many positions is rotated otherwise than a short one. */
  boolean isLong(long positions) {
    return scaling instanceof LongRope longRope && positions > longRope.originalContextLength();
  }

  /** {@code [dims / 2]} angular frequencies in radians per position, of short rows. */
  public double[] inverseFrequencies(int headDim) {
    return inverseFrequencies(headDim, false);
  }

  /** The same of short or of long rows. */
  double[] inverseFrequencies(int headDim, boolean longRow) {
    int dims = dims(headDim);
    double[] out = new double[dims / 2];
    for (int i = 0; i < out.length; i++) {
      // StrictMath: the same bits on every machine
      double frequency = 1.0 / StrictMath.pow(theta, 2.0 * i / dims);
      out[i] =
          switch (scaling) {
            case None() -> frequency;
            case Linear(double factor) -> frequency / factor;
            case Llama3 s -> llama3(frequency, s);
            case Factors(List<Float> divisors) -> frequency / divisors.get(i);
            case LongRope s -> frequency / (longRow ? s.longDivisors() : s.shortDivisors()).get(i);
          };
    }
    return out;
  }

  private static double llama3(double frequency, Llama3 s) {
    double wavelength = 2 * Math.PI / frequency;
    double lowWavelength = s.originalContextLength() / s.lowFreqFactor();
    double highWavelength = s.originalContextLength() / s.highFreqFactor();
    if (wavelength < highWavelength) {
      return frequency;
    }
    if (wavelength > lowWavelength) {
      return frequency / s.factor();
    }
    double smooth =
        (s.originalContextLength() / wavelength - s.lowFreqFactor())
            / (s.highFreqFactor() - s.lowFreqFactor());
    return (1 - smooth) * frequency / s.factor() + smooth * frequency;
  }
}
