package dev.nightjar.job.calibrate;

/**
 * P-value of "the risk is above the tolerance" from an observed mean of losses in [0, 1]: the
 * smaller one of Hoeffding's and Bentkus' bounds (Angelopoulos et al., Learn then Test,
 * arXiv:2110.01052; used by CALM, arXiv:2207.07061). The same bits on every machine.
 */
final class HoeffdingBentkus {
  private static final double ROUNDING = 1e-9;

  private HoeffdingBentkus() {}

  /**
   * The p-value.
   *
   * @param lossSum sum of the losses, in [0, rows]
   * @param tolerance risk allowed, in (0, 1)
   */
  static double pValue(double lossSum, int rows, double tolerance) {
    if (rows == 0) {
      return 1;
    }
    double mean = lossSum / rows;
    if (mean >= tolerance) {
      return 1;
    }
    double hoeffding = StrictMath.exp(-rows * divergence(mean, tolerance));
    double bentkus = StrictMath.E * binomial((int) Math.ceil(lossSum - ROUNDING), rows, tolerance);
    return Math.min(1, Math.min(hoeffding, bentkus));
  }

  /** {@code a ln(a/b) + (1-a) ln((1-a)/(1-b))}. */
  private static double divergence(double a, double b) {
    double first = a <= 0 ? 0 : a * StrictMath.log(a / b);
    double second = a >= 1 ? 0 : (1 - a) * StrictMath.log((1 - a) / (1 - b));
    return first + second;
  }

  /** Probability of at most {@code k} successes. */
  static double binomial(int k, int trials, double probability) {
    double logTerm = trials * StrictMath.log1p(-probability);
    double logOdds = StrictMath.log(probability) - StrictMath.log1p(-probability);
    double sum = StrictMath.exp(logTerm);
    for (int i = 1; i <= Math.min(k, trials); i++) {
      logTerm += StrictMath.log((double) (trials - i + 1) / i) + logOdds;
      sum += StrictMath.exp(logTerm);
    }
    return Math.min(1, sum);
  }
}
