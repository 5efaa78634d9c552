package dev.nightjar.job.evaluate;

import java.util.Locale;
import java.util.Optional;

/**
 * Finds the {@code keep} of a policy that does not adapt whose executed operations come nearest to
 * those of a given one. Operations are nearly linear in {@code keep}, and keeping all is the dense
 * model; so one measurement fixes the line, and one more corrects it.
 */
final class BaselineSearch {
  /** Above this share of the dense operations, the dense run itself is the baseline. */
  static final double DENSE_ENOUGH = 0.995;

  private static final int STEPS = 100;
  private static final int MIN_LAYERS = 2;

  /** Runs a spec on the first shard. */
  @FunctionalInterface
  interface Measurement {
    /** Executed operations over those of the dense model on the same tokens. */
    double flopsRatio(String spec);
  }

  private final int layers;
  private final Measurement measurement;

  /**
   * @param layers layers of the model
   */
  BaselineSearch(int layers, Measurement measurement) {
    this.layers = layers;
    this.measurement = measurement;
  }

  /**
   * The evenly spaced set nearest to {@code target} operations; empty where that is the dense
   * model.
   */
  Optional<String> unified(double target) {
    if (target >= DENSE_ENOUGH || layers <= MIN_LAYERS) {
      return Optional.empty();
    }
    int first = Math.clamp(Math.round(target * layers), MIN_LAYERS, layers - 1);
    double measured = measurement.flopsRatio(unifiedSpec(first));
    double perLayer = (1 - measured) / (layers - first);
    int second =
        perLayer <= 0
            ? first
            : Math.clamp(Math.round(layers - (1 - target) / perLayer), MIN_LAYERS, layers);
    if (second == first) {
      return Optional.of(unifiedSpec(first));
    }
    double corrected = second == layers ? 1 : measurement.flopsRatio(unifiedSpec(second));
    int nearest = Math.abs(corrected - target) < Math.abs(measured - target) ? second : first;
    return nearest == layers ? Optional.empty() : Optional.of(unifiedSpec(nearest));
  }

  /** Random layers nearest to {@code target} operations; empty where that is the dense model. */
  Optional<String> random(double target) {
    if (target >= DENSE_ENOUGH || layers <= MIN_LAYERS) {
      return Optional.empty();
    }
    int least = Math.ceilDiv(MIN_LAYERS * STEPS, layers);
    int first = Math.clamp(Math.round(target * STEPS), least, STEPS - 1);
    double measured = measurement.flopsRatio(randomSpec(first));
    double perStep = (1 - measured) / (STEPS - first);
    int second =
        perStep <= 0
            ? first
            : Math.clamp(Math.round(STEPS - (1 - target) / perStep), least, STEPS - 1);
    if (second == first) {
      return Optional.of(randomSpec(first));
    }
    double corrected = measurement.flopsRatio(randomSpec(second));
    boolean better = Math.abs(corrected - target) < Math.abs(measured - target);
    return Optional.of(randomSpec(better ? second : first));
  }

  private String unifiedSpec(int numLayers) {
    return "unified:keep=" + decimal((double) numLayers / layers);
  }

  private static String randomSpec(int step) {
    return "random:keep=" + decimal((double) step / STEPS);
  }

  private static String decimal(double keep) {
    return String.format(Locale.ROOT, "%.4f", keep).replaceAll("0+$", "");
  }
}
