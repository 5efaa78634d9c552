package dev.nightjar.job.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.Arrays;
import java.util.Locale;

/** Repeated measurements of one quantity, in the order of the rounds; at least one. */
record Samples(double[] values) {
  Samples {
    values = values.clone();
    if (values.length == 0) {
      throw new IllegalArgumentException("no samples");
    }
  }

  /** This over {@code other}, round by round. */
  Samples over(Samples other) {
    double[] ratios = new double[values.length];
    for (int i = 0; i < ratios.length; i++) {
      ratios[i] = values[i] / other.values[i];
    }
    return new Samples(ratios);
  }

  /** Each value times a factor. */
  Samples times(double factor) {
    return new Samples(Arrays.stream(values).map(value -> value * factor).toArray());
  }

  double median() {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  }

  double min() {
    return Arrays.stream(values).min().orElseThrow();
  }

  double max() {
    return Arrays.stream(values).max().orElseThrow();
  }

  /** {@code median (min-max)} with a number of decimals. */
  String text(int decimals) {
    String number = "%." + decimals + "f";
    return String.format(
        Locale.ROOT, number + " (" + number + "-" + number + ")", median(), min(), max());
  }

  /** Adds median, minimum and maximum to an object. */
  void put(ObjectNode node, String name) {
    node.putObject(name)
        .put("median", rounded(median()))
        .put("min", rounded(min()))
        .put("max", rounded(max()));
  }

  /** Five significant digits; 0 for what is not a number. */
  static double rounded(double value) {
    return Double.isFinite(value)
        ? new BigDecimal(value).round(new MathContext(5)).doubleValue()
        : 0;
  }
}
