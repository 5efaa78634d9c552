package dev.nightjar.job.calibrate;

import java.util.BitSet;
import java.util.List;

/**
 * Exit rules played on recorded traces. Traces are teacher-forced, so this only ranks: what counts
 * is generation under the rule.
 */
final class ExitSimulation {
  private final ModelFacts model;
  private final int[] exits;
  private final List<ExitTrace> traces;
  private final long probeMacs;

  /**
   * @param exits numbers of layers below the exits of the traces, ascending
   * @param probeMacs multiply-adds of a probe
   */
  ExitSimulation(ModelFacts model, int[] exits, List<ExitTrace> traces, long probeMacs) {
    this.model = model;
    this.exits = exits.clone();
    this.traces = List.copyOf(traces);
    this.probeMacs = probeMacs;
  }

  /**
   * What a rule would do.
   *
   * @param disagreement share of rows in which a token leaves with another token than the last
   *     layer's
   * @param savedMacs multiply-adds saved per generated token, probes deducted; may be negative
   * @param exited share of generated tokens that leave early
   */
  record Outcome(double disagreement, double savedMacs, double exited) {}

  /** Plays a rule: exits by index, one threshold. */
  Outcome play(BitSet used, double threshold) {
    long tokens = 0;
    long exited = 0;
    long wrongRows = 0;
    double saved = 0;
    for (ExitTrace trace : traces) {
      boolean wrong = false;
      int count = trace.top1().length == 0 ? 0 : trace.top1()[0].length;
      for (int t = 0; t < count; t++) {
        tokens++;
        for (int e = used.nextSetBit(0); e >= 0; e = used.nextSetBit(e + 1)) {
          saved -= probeMacs;
          if (trace.top1()[e][t] >= (float) threshold) {
            saved += model.headMacs();
            saved += (double) (model.layers() - exits[e]) * (model.layerMacs() - model.kvMacs());
            wrong |= !trace.agrees()[e][t];
            exited++;
            break;
          }
        }
      }
      wrongRows += wrong ? 1 : 0;
    }
    return new Outcome(
        traces.isEmpty() ? 0 : (double) wrongRows / traces.size(),
        tokens == 0 ? 0 : saved / tokens,
        tokens == 0 ? 0 : (double) exited / tokens);
  }

  /**
   * The set of exits that saves most, built exit by exit, at thresholds whose disagreement stays
   * below the tolerance; where nothing saves, the single exit that loses least.
   */
  BitSet bestExits(double[] thresholds, double tolerance) {
    BitSet best = new BitSet();
    double bestSaved = Double.NEGATIVE_INFINITY;
    boolean better = true;
    while (better) {
      better = false;
      BitSet base = (BitSet) best.clone();
      for (int e = 0; e < exits.length; e++) {
        if (base.get(e)) {
          continue;
        }
        BitSet candidate = (BitSet) base.clone();
        candidate.set(e);
        double saved = saved(candidate, thresholds, tolerance);
        if (saved > bestSaved) {
          best = candidate;
          bestSaved = saved;
          better = true;
        }
      }
    }
    return best;
  }

  private double saved(BitSet used, double[] thresholds, double tolerance) {
    double most = -Double.MAX_VALUE;
    for (double threshold : thresholds) {
      Outcome outcome = play(used, threshold);
      if (outcome.disagreement() <= tolerance) {
        most = Math.max(most, outcome.savedMacs());
      }
    }
    return most;
  }
}
