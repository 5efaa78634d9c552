package dev.nightjar.engine.model;

import java.util.List;

/**
 * Rotary position embedding (Su et al., arXiv:2104.09864) in the half-rotation layout: dimension
 * {@code i} of a head is paired with {@code i + headDim/2}.
 *
 * @param theta base of the geometric series of frequencies
 */
public record RopeConfig(double theta, Scaling scaling) {

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
   * @param divisors {@code [headDim / 2]}, each positive
   */
  public record Factors(List<Float> divisors) implements Scaling {
    public Factors {
      divisors = List.copyOf(divisors);
    }
  }

  /** {@code [headDim / 2]} angular frequencies in radians per position. */
  public double[] inverseFrequencies(int headDim) {
    double[] out = new double[headDim / 2];
    for (int i = 0; i < out.length; i++) {
      // StrictMath: the same bits on every machine
      double frequency = 1.0 / StrictMath.pow(theta, 2.0 * i / headDim);
      out[i] =
          switch (scaling) {
            case None() -> frequency;
            case Linear(double factor) -> frequency / factor;
            case Llama3 s -> llama3(frequency, s);
            case Factors(List<Float> divisors) -> frequency / divisors.get(i);
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
