package dev.nightjar.job.calibrate;

/**
 * Multinomial logistic regression on standardised features, with a ridge, by steps under Böhning's
 * fixed upper bound of the curvature (1992), so that one factorisation serves all steps and every
 * step lowers the loss. The result is over the raw features.
 *
 * @param weights {@code [classes][features]}
 * @param biases {@code [classes]}
 */
record SoftmaxRegression(double[][] weights, double[] biases) {
  private static final int STEPS = 300;

  /**
   * Fits.
   *
   * @param x {@code [rows][features]}
   * @param labels class of each row, in [0, classes)
   * @param ridge strength of the pull to zero, in rows; above 0
   */
  static SoftmaxRegression fit(float[][] x, int[] labels, int classes, double ridge) {
    Standardised scaled = Standardised.of(x);
    double[] ones = new double[x.length];
    java.util.Arrays.fill(ones, 1);
    double[] w = solve(withOne(scaled.values()), labels, ones, classes, ridge);
    return unscaled(w, classes, scaled);
  }

  /**
   * Fits without biases and without moving the features; they share one scale.
   *
   * @param rowWeights what each row counts
   */
  static SoftmaxRegression fitWithoutBias(
      float[][] x, int[] labels, double[] rowWeights, int classes, double ridge) {
    double squares = 0;
    for (float[] row : x) {
      for (float value : row) {
        squares += (double) value * value / ((double) x.length * row.length);
      }
    }
    double scale = squares > 0 ? Math.sqrt(squares) : 1;
    double[][] values = new double[x.length][];
    for (int row = 0; row < x.length; row++) {
      values[row] = new double[x[row].length];
      for (int i = 0; i < x[row].length; i++) {
        values[row][i] = x[row][i] / scale;
      }
    }
    double[] w = solve(values, labels, rowWeights, classes, ridge);
    double[][] weights = new double[classes][w.length / classes];
    for (int c = 0; c < classes; c++) {
      for (int i = 0; i < weights[c].length; i++) {
        weights[c][i] = w[i * classes + c] / scale;
      }
    }
    return new SoftmaxRegression(weights, new double[classes]);
  }

  /** Coefficients {@code [features][classes]}. */
  private static double[] solve(
      double[][] values, int[] labels, double[] rowWeights, int classes, double ridge) {
    int n = values[0].length;
    LinearAlgebra.Factor bound =
        LinearAlgebra.factor(curvatureBound(values, rowWeights, n), n, ridge);
    double[] w = new double[n * classes];
    double[] p = new double[classes];
    for (int step = 0; step < STEPS; step++) {
      double[] gradient = new double[n * classes];
      for (int row = 0; row < values.length; row++) {
        probabilities(values[row], w, classes, p);
        p[labels[row]] -= 1;
        for (int i = 0; i < n; i++) {
          for (int c = 0; c < classes; c++) {
            gradient[i * classes + c] += rowWeights[row] * p[c] * values[row][i];
          }
        }
      }
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] += ridge * w[i];
      }
      double[] direction = bound.solve(gradient, classes);
      for (int i = 0; i < w.length; i++) {
        w[i] -= direction[i];
      }
    }
    return w;
  }

  private static double[][] withOne(double[][] x) {
    double[][] out = new double[x.length][];
    for (int row = 0; row < x.length; row++) {
      out[row] = java.util.Arrays.copyOf(x[row], x[row].length + 1);
      out[row][x[row].length] = 1;
    }
    return out;
  }

  /** Half of the second moments: never below the curvature of the softmax loss. */
  private static double[] curvatureBound(double[][] x, double[] rowWeights, int n) {
    double[] bound = new double[n * n];
    for (int row = 0; row < x.length; row++) {
      for (int i = 0; i < n; i++) {
        double half = 0.5 * rowWeights[row] * x[row][i];
        for (int j = 0; j < n; j++) {
          bound[i * n + j] += half * x[row][j];
        }
      }
    }
    return bound;
  }

  private static void probabilities(double[] x, double[] w, int classes, double[] p) {
    double max = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < classes; c++) {
      double z = 0;
      for (int i = 0; i < x.length; i++) {
        z += w[i * classes + c] * x[i];
      }
      p[c] = z;
      max = Math.max(max, z);
    }
    double sum = 0;
    for (int c = 0; c < classes; c++) {
      p[c] = StrictMath.exp(p[c] - max);
      sum += p[c];
    }
    for (int c = 0; c < classes; c++) {
      p[c] /= sum;
    }
  }

  private static SoftmaxRegression unscaled(double[] w, int classes, Standardised scaled) {
    int features = scaled.means().length;
    double[][] weights = new double[classes][features];
    double[] biases = new double[classes];
    for (int c = 0; c < classes; c++) {
      biases[c] = w[features * classes + c];
      for (int i = 0; i < features; i++) {
        weights[c][i] = w[i * classes + c] / scaled.deviations()[i];
        biases[c] -= weights[c][i] * scaled.means()[i];
      }
    }
    return new SoftmaxRegression(weights, biases);
  }

  /** The logits of a row. */
  double[] scores(float[] x) {
    double[] scores = biases.clone();
    for (int c = 0; c < scores.length; c++) {
      for (int i = 0; i < x.length; i++) {
        scores[c] += weights[c][i] * x[i];
      }
    }
    return scores;
  }
}
