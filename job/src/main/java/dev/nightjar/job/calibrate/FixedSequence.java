package dev.nightjar.job.calibrate;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/**
 * Learn-then-Test by fixed sequence: settings in an order chosen without the test rows, from the
 * safest on, each tested at the full level until one fails. All settings before the first failure
 * have a risk of at most the tolerance together, with the stated confidence.
 *
 * @param tested the settings that were run, in order; all but possibly the last one passed
 * @param accepted how many of them passed
 */
record FixedSequence(List<Tested> tested, int accepted) {

  /**
   * One tested setting.
   *
   * @param index position in the sequence
   */
  record Tested(int index, Trial trial, double pValue, boolean passed) {}

  FixedSequence {
    tested = List.copyOf(tested);
  }

  /**
   * Tests settings until one fails.
   *
   * @param trials runs the setting at a position on the test rows
   * @param tolerance risk allowed
   * @param confidence in (0, 1)
   */
  static FixedSequence test(
      int settings, IntFunction<Trial> trials, double tolerance, double confidence) {
    List<Tested> tested = new ArrayList<>();
    for (int i = 0; i < settings; i++) {
      Trial trial = trials.apply(i);
      double p = HoeffdingBentkus.pValue(trial.lossSum(), trial.rows(), tolerance);
      boolean passed = p <= 1 - confidence;
      tested.add(new Tested(i, trial, p, passed));
      if (!passed) {
        return new FixedSequence(tested, i);
      }
    }
    return new FixedSequence(tested, settings);
  }

  /** The accepted setting that executes the fewest operations; null when none was accepted. */
  Tested cheapest() {
    Tested best = null;
    for (Tested each : tested.subList(0, accepted)) {
      if (best == null || each.trial().flops() <= best.trial().flops()) {
        best = each;
      }
    }
    return best;
  }
}
