package dev.nightjar.job.calibrate;

/**
 * Binary logistic regression by Newton's method on standardised features, with a ridge. The result
 * is over the raw features: standardisation is folded into weights and bias.
 *
 * @param weights {@code [features]}
 * @param bias log-odds at the origin
 */
record LogisticRegression(double[] weights, double bias) {
  private static final int MAX_STEPS = 30;
  private static final double CONVERGED = 1e-9;

  /**
   * Fits.
   *
   * @param x {@code [rows][features]}
   * @param y whether each row is positive
   * @param ridge strength of the pull to zero, in rows
   */
  static LogisticRegression fit(float[][] x, boolean[] y, double ridge) {
    int rows = x.length;
    int features = rows == 0 ? 0 : x[0].length;
    Standardised scaled = Standardised.of(x);
    double[] w = new double[features + 1];
    double loss = loss(scaled.values(), y, w, ridge);
    for (int step = 0; step < MAX_STEPS; step++) {
      double[] direction = newton(scaled.values(), y, w, ridge);
      double[] next = w.clone();
      double nextLoss = Double.POSITIVE_INFINITY;
      for (double length = 1; length > 1e-6; length /= 2) {
        for (int i = 0; i < w.length; i++) {
          next[i] = w[i] - length * direction[i];
        }
        nextLoss = loss(scaled.values(), y, next, ridge);
        if (nextLoss <= loss) {
          break;
        }
      }
      if (!(nextLoss <= loss)) {
        break;
      }
      double gain = loss - nextLoss;
      w = next;
      loss = nextLoss;
      if (gain <= CONVERGED * Math.max(1, loss)) {
        break;
      }
    }
    return unscaled(w, scaled);
  }

  private static LogisticRegression unscaled(double[] w, Standardised scaled) {
    int features = w.length - 1;
    double[] weights = new double[features];
    double bias = w[features];
    for (int i = 0; i < features; i++) {
      weights[i] = w[i] / scaled.deviations()[i];
      bias -= weights[i] * scaled.means()[i];
    }
    return new LogisticRegression(weights, bias);
  }

  /** The log-odds of a row. */
  double score(float[] x) {
    double score = bias;
    for (int i = 0; i < weights.length; i++) {
      score += weights[i] * x[i];
    }
    return score;
  }

  private static double linear(double[] x, double[] w) {
    double z = w[x.length];
    for (int i = 0; i < x.length; i++) {
      z += w[i] * x[i];
    }
    return z;
  }

  private static double loss(double[][] x, boolean[] y, double[] w, double ridge) {
    double sum = 0;
    for (int row = 0; row < x.length; row++) {
      double z = linear(x[row], w);
      double signed = y[row] ? -z : z;
      sum += signed > 0 ? signed + log1pExp(-signed) : log1pExp(signed);
    }
    for (int i = 0; i + 1 < w.length; i++) {
      sum += 0.5 * ridge * w[i] * w[i];
    }
    return sum;
  }

  private static double log1pExp(double z) {
    return StrictMath.log1p(StrictMath.exp(z));
  }

  private static double[] newton(double[][] x, boolean[] y, double[] w, double ridge) {
    int n = w.length;
    double[] gradient = new double[n];
    double[] hessian = new double[n * n];
    for (int row = 0; row < x.length; row++) {
      double p = 1 / (1 + StrictMath.exp(-linear(x[row], w)));
      double error = p - (y[row] ? 1 : 0);
      double curvature = p * (1 - p);
      for (int i = 0; i < n; i++) {
        double xi = i < n - 1 ? x[row][i] : 1;
        gradient[i] += error * xi;
        double cx = curvature * xi;
        int offset = i * n;
        for (int j = 0; j < i; j++) {
          hessian[offset + j] += cx * x[row][j];
        }
        hessian[offset + i] += cx * xi;
      }
    }
    for (int i = 0; i < n; i++) {
      if (i < n - 1) {
        gradient[i] += ridge * w[i];
        hessian[i * n + i] += ridge;
      }
      for (int j = 0; j < i; j++) {
        hessian[j * n + i] = hessian[i * n + j];
      }
    }
    return LinearAlgebra.factor(hessian, n, 1e-6).solve(gradient, 1);
  }
}
