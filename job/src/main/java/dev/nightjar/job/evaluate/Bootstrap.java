package dev.nightjar.job.evaluate;

import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;

/**
 * Percentile bootstrap over rows (Efron and Tibshirani 1993, chapter 13). Rows are sorted by value
 * before they are drawn, so an interval depends on the values and the seed, never on the order in
 * which rows arrive.
 *
 * @param resamples number of resamples, at least 1
 * @param confidence share of the resamples inside the interval, in (0, 1)
 * @param seed fixes the draws
 */
record Bootstrap(int resamples, double confidence, long seed) {

  /**
   * Weighted mean with its interval.
   *
   * @param values {@code [rows]} sum of each row
   * @param weights {@code [rows]} what each row's sum is divided by; 1 for plain means
   */
  Interval mean(double[] values, double[] weights) {
    return difference(values, new double[values.length], weights);
  }

  /**
   * Paired difference {@code (sum(values) - sum(base)) / sum(weights)}: both sides are drawn
   * together.
   *
   * @param base {@code [rows]} the same rows under the other policy
   */
  Interval difference(double[] values, double[] base, double[] weights) {
    int rows = values.length;
    double[][] sorted = new double[rows][];
    for (int i = 0; i < rows; i++) {
      sorted[i] = new double[] {values[i] - base[i], weights[i]};
    }
    Arrays.sort(
        sorted,
        Comparator.<double[]>comparingDouble(row -> row[0]).thenComparingDouble(row -> row[1]));
    double[] sums = new double[rows];
    double[] divisors = new double[rows];
    for (int i = 0; i < rows; i++) {
      sums[i] = sorted[i][0];
      divisors[i] = sorted[i][1];
    }
    double estimate = ratio(Arrays.stream(sums).sum(), Arrays.stream(divisors).sum());
    if (rows == 0) {
      return new Interval(estimate, estimate, estimate);
    }
    double[] means = resampled(sums, divisors);
    double tail = (1 - confidence) / 2;
    return new Interval(estimate, quantile(means, tail), quantile(means, 1 - tail));
  }

  private double[] resampled(double[] sums, double[] divisors) {
    SplittableRandom random = new SplittableRandom(seed);
    double[] means = new double[resamples];
    for (int r = 0; r < resamples; r++) {
      double sum = 0;
      double divisor = 0;
      for (int i = 0; i < sums.length; i++) {
        int drawn = random.nextInt(sums.length);
        sum += sums[drawn];
        divisor += divisors[drawn];
      }
      means[r] = ratio(sum, divisor);
    }
    Arrays.sort(means);
    return means;
  }

  private static double ratio(double sum, double divisor) {
    return divisor == 0 ? 0 : sum / divisor;
  }

  /**
   * The quantile of sorted values, interpolated between neighbours (type 7 of Hyndman and Fan
   * 1996).
   */
  static double quantile(double[] sorted, double share) {
    double at = share * (sorted.length - 1);
    int below = (int) Math.floor(at);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (at - below) * (sorted[above] - sorted[below]);
  }
}
