package dev.nightjar.job.evaluate;

/**
 * An estimate with its confidence interval.
 *
 * @param low lower end, at most {@code high}
 */
record Interval(double estimate, double low, double high) {
  /** The same through a growing function, for example from a mean log-likelihood to perplexity. */
  Interval exp() {
    return new Interval(Math.exp(estimate), Math.exp(low), Math.exp(high));
  }
}
