package dev.nightjar.job.calibrate;

/**
 * Features with mean 0 and deviation 1; a feature that is constant stays 0.
 *
 * @param values {@code [rows][features]}
 * @param means {@code [features]} of the raw values
 * @param deviations {@code [features]}, above 0
 */
record Standardised(double[][] values, double[] means, double[] deviations) {

  static Standardised of(float[][] x) {
    int features = x.length == 0 ? 0 : x[0].length;
    double[] means = new double[features];
    double[] deviations = new double[features];
    for (float[] row : x) {
      for (int i = 0; i < features; i++) {
        means[i] += row[i] / (double) x.length;
      }
    }
    for (float[] row : x) {
      for (int i = 0; i < features; i++) {
        double centred = row[i] - means[i];
        deviations[i] += centred * centred / x.length;
      }
    }
    for (int i = 0; i < features; i++) {
      double deviation = Math.sqrt(deviations[i]);
      deviations[i] = deviation > 1e-12 * (1 + Math.abs(means[i])) ? deviation : 1;
    }
    double[][] values = new double[x.length][features];
    for (int row = 0; row < x.length; row++) {
      for (int i = 0; i < features; i++) {
        values[row][i] = (x[row][i] - means[i]) / deviations[i];
      }
    }
    return new Standardised(values, means, deviations);
  }
}
