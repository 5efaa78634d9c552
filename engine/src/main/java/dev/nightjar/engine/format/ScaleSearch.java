package dev.nightjar.engine.format;

import java.util.Arrays;

/**
 * Looks for the scale of a span of values, and for its minimum, that leave the smallest weighted
 * error, as ggml's reference quantisers do: step by step in fp32, so that the same values give the
 * same blocks. Holds the result of the last search; not safe for concurrent use.
 */
final class ScaleSearch {
  /** Values below this are all taken for zero. */
  private static final float SMALLEST = 1e-15f;

  /** Passes over a span in {@link #refined}. */
  private static final int PASSES = 5;

  /**
   * How {@link #withMinimum} searches: inverse scales {@code (offset + step * i + largest quant) /
   * range} for i up to {@code steps}.
   *
   * @param absolute whether errors count by size rather than squared
   */
  record Grid(float offset, float step, int steps, boolean absolute) {}

  /** The quants that were found. */
  final int[] quants = new int[32];

  /** What {@link #withMinimum} weighs errors with. */
  final float[] weights = new float[32];

  /** What is subtracted; not negative. */
  float minimum;

  private final int[] trial = new int[32];

  /** The nearest integer, ties to even. */
  static int nearest(float value) {
    return (int) Math.rint(value);
  }

  private static int nearest(float value, int least, int most) {
    return Math.clamp(nearest(value), least, most);
  }

  /** The value of largest magnitude, the first of several. */
  private static float extreme(float[] x, int from, int count) {
    float extreme = 0;
    for (int i = from; i < from + count; i++) {
      if (Math.abs(x[i]) > Math.abs(extreme)) {
        extreme = x[i];
      }
    }
    return extreme;
  }

  /**
   * Finds a scale and a {@link #minimum} for quants 0 to {@code largest}.
   *
   * @return the scale
   */
  float withMinimum(float[] x, int from, int count, int largest, Grid grid) {
    float min = x[from];
    float max = x[from];
    float sumW = weights[0];
    float sumX = sumW * x[from];
    for (int i = 1; i < count; i++) {
      min = Math.min(min, x[from + i]);
      max = Math.max(max, x[from + i]);
      sumW += weights[i];
      sumX += weights[i] * x[from + i];
    }
    min = Math.min(min, 0);
    minimum = -min;
    if (max == min) {
      Arrays.fill(quants, 0, count, 0);
      return 0;
    }
    float lowest = min;
    float inverse = largest / (max - lowest);
    float scale = 1 / inverse;
    round(x, from, count, inverse, lowest, largest, quants);
    float best = error(x, from, count, quants, scale, lowest, grid.absolute());
    for (int step = 0; step <= grid.steps(); step++) {
      inverse = (grid.offset() + grid.step() * step + largest) / (max - min);
      round(x, from, count, inverse, min, largest, trial);
      float sumL = 0;
      float sumL2 = 0;
      float sumXl = 0;
      for (int i = 0; i < count; i++) {
        float wl = weights[i] * trial[i];
        sumL += wl;
        sumL2 += wl * trial[i];
        sumXl += wl * x[from + i];
      }
      float determinant = sumW * sumL2 - sumL * sumL;
      if (determinant > 0) {
        float thisScale = (sumW * sumXl - sumX * sumL) / determinant;
        float thisMin = (sumL2 * sumX - sumL * sumXl) / determinant;
        if (thisMin > 0) {
          thisMin = 0;
          thisScale = sumXl / sumL2;
        }
        float error = error(x, from, count, trial, thisScale, thisMin, grid.absolute());
        if (error < best) {
          System.arraycopy(trial, 0, quants, 0, count);
          best = error;
          scale = thisScale;
          min = thisMin; // the next steps start from here
        }
      }
    }
    minimum = -min;
    return scale;
  }

  private static void round(
      float[] x, int from, int count, float inverse, float min, int largest, int[] out) {
    for (int i = 0; i < count; i++) {
      out[i] = nearest(inverse * (x[from + i] - min), 0, largest);
    }
  }

  private float error(
      float[] x, int from, int count, int[] found, float scale, float min, boolean absolute) {
    float error = 0;
    for (int i = 0; i < count; i++) {
      float difference = scale * found[i] + min - x[from + i];
      error += weights[i] * (absolute ? Math.abs(difference) : difference * difference);
    }
    return error;
  }

  /**
   * Finds a scale for quants {@code -half} to {@code half - 1}, which are stored with {@code half}
   * added; errors weigh as much as the square of their value.
   */
  float symmetric(float[] x, int from, int count, int half) {
    float extreme = extreme(x, from, count);
    if (Math.abs(extreme) < SMALLEST) {
      Arrays.fill(quants, 0, count, 0);
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int trialNumber = 0; trialNumber < 19; trialNumber++) {
      // The middle first, then the others from one end to the other.
      int step = trialNumber == 0 ? 0 : trialNumber <= 9 ? trialNumber - 10 : trialNumber - 9;
      float inverse = step == 0 ? -half / extreme : -(half + 0.1f * step) / extreme;
      float sumLx = 0;
      float sumL2 = 0;
      for (int i = 0; i < count; i++) {
        float value = x[from + i];
        trial[i] = nearest(inverse * value, -half, half - 1);
        float weight = value * value;
        sumLx += weight * value * trial[i];
        sumL2 += weight * trial[i] * trial[i];
      }
      if (step == 0 || sumL2 > 0 && sumLx * sumLx > best * sumL2) {
        for (int i = 0; i < count; i++) {
          quants[i] = trial[i] + half;
        }
        scale = sumL2 == 0 ? 0 : sumLx / sumL2;
        best = scale * sumLx;
      }
    }
    return scale;
  }

  /** The same by moving single quants as long as that pays; for few quants. */
  float refined(float[] x, int from, int count, int half) {
    float extreme = extreme(x, from, count);
    if (Math.abs(extreme) < SMALLEST) {
      Arrays.fill(quants, 0, count, 0);
      return 0;
    }
    float inverse = -half / extreme;
    float sumLx = 0;
    float sumL2 = 0;
    for (int i = 0; i < count; i++) {
      float value = x[from + i];
      quants[i] = nearest(inverse * value, -half, half - 1);
      float weight = value * value;
      sumLx += weight * value * quants[i];
      sumL2 += weight * quants[i] * quants[i];
    }
    boolean moved = true;
    for (int pass = 0; moved && pass < PASSES; pass++) {
      moved = false;
      for (int i = 0; i < count; i++) {
        float value = x[from + i];
        float weight = value * value;
        float otherLx = sumLx - weight * value * quants[i];
        float otherL2 = sumL2 - weight * quants[i] * quants[i];
        int quant = otherLx > 0 ? nearest(value * otherL2 / otherLx, -half, half - 1) : quants[i];
        if (quant != quants[i]) {
          otherLx += weight * value * quant;
          otherL2 += weight * quant * quant;
          if (otherL2 > 0 && otherLx * otherLx * sumL2 > sumLx * sumLx * otherL2) {
            quants[i] = quant;
            sumLx = otherLx;
            sumL2 = otherL2;
            moved = true;
          }
        }
      }
    }
    for (int i = 0; i < count; i++) {
      quants[i] += half;
    }
    return sumL2 > 0 ? sumLx / sumL2 : 0;
  }
}
