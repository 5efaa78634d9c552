package dev.nightjar.job.calibrate;

/**
 * Second moments of pairs {@code (x, y)} of vectors, for a linear map from x to y; exact under any
 * split of the rows. Confined to one thread.
 */
final class RidgeSums implements Mergeable<RidgeSums> {
  private final int size;
  private final FixedPointSums first;
  private final FixedPointSums second;
  private long count;

  /**
   * Empty sums.
   *
   * @param size length of the vectors
   * @param magnitude bound of the absolute value of every component
   * @param pairs bound of the number of pairs
   */
  RidgeSums(int size, double magnitude, long pairs) {
    this.size = size;
    this.first = new FixedPointSums(2 * size, FixedPointSums.fractionBitsFor(magnitude, pairs));
    this.second =
        new FixedPointSums(
            2 * size * size, FixedPointSums.fractionBitsFor(magnitude * magnitude, pairs));
  }

  /**
   * Adds the vectors of one row's positions; summed in position order and rounded once.
   *
   * @param x {@code [positions, size]}
   * @param y {@code [positions, size]}
   */
  void addRow(float[] x, float[] y, int from, int to) {
    double[] moments = new double[size];
    for (int i = 0; i < size; i++) {
      double sumX = 0;
      double sumY = 0;
      for (int t = from; t < to; t++) {
        sumX += x[t * size + i];
        sumY += y[t * size + i];
      }
      first.add(i, sumX);
      first.add(size + i, sumY);
      addProducts(x, i, x, from, to, moments, 0);
      addProducts(x, i, y, from, to, moments, size * size);
    }
    count += Math.max(0, to - from);
  }

  private void addProducts(
      float[] x, int i, float[] other, int from, int to, double[] moments, int offset) {
    java.util.Arrays.fill(moments, 0);
    for (int t = from; t < to; t++) {
      double xi = x[t * size + i];
      int row = t * size;
      for (int j = 0; j < size; j++) {
        moments[j] += xi * other[row + j];
      }
    }
    for (int j = 0; j < size; j++) {
      second.add(offset + i * size + j, moments[j]);
    }
  }

  @Override
  public RidgeSums merge(RidgeSums other) {
    first.merge(other.first);
    second.merge(other.second);
    count += other.count;
    return this;
  }

  /** Number of pairs. */
  long count() {
    return count;
  }

  /**
   * The ridge regression.
   *
   * @param strength of the ridge, as a share of the mean variance of x
   */
  LinearMap solve(double strength) {
    if (count == 0) {
      throw new IllegalStateException("no vectors to fit a map to");
    }
    double[] covariance = new double[size * size];
    double[] cross = new double[size * size];
    double trace = 0;
    for (int i = 0; i < size; i++) {
      double meanI = first.value(i) / count;
      for (int j = 0; j < size; j++) {
        covariance[i * size + j] =
            second.value(i * size + j) / count - meanI * (first.value(j) / count);
        cross[i * size + j] =
            second.value(size * size + i * size + j) / count
                - meanI * (first.value(size + j) / count);
      }
      trace += covariance[i * size + i];
    }
    double ridge = Math.max(strength * trace / size, 1e-12);
    double[] solved = LinearAlgebra.factor(covariance, size, ridge).solve(cross, size);
    float[] weight = new float[size * size];
    float[] bias = new float[size];
    for (int out = 0; out < size; out++) {
      double b = first.value(size + out) / count;
      for (int in = 0; in < size; in++) {
        double w = solved[in * size + out];
        weight[out * size + in] = (float) w;
        b -= w * (first.value(in) / count);
      }
      bias[out] = (float) b;
    }
    return new LinearMap(weight, bias);
  }
}
