package dev.nightjar.job.calibrate;

import java.util.Arrays;
import java.util.List;

/**
 * FFN-SkipLLM's rule (Jaiswal et al., arXiv:2404.03865, algorithm 1) fitted to traces: inside a
 * region of layers, once a feed-forward sublayer leaves the residual's direction as it was, the
 * following ones are skipped until the region or a budget ends.
 *
 * @param threshold cosine that counts as unchanged
 * @param first first layer of the region
 * @param last last layer of the region, inclusive
 * @param budget most sublayers skipped in a run
 * @param skipped share of the generated tokens' feed-forward sublayers that it skips on the traces
 * @param damage mean of one minus cosine over all of them, counting skipped ones only
 */
record FeedForwardRuleFit(
    float threshold, int first, int last, int budget, double skipped, double damage) {
  private static final int THRESHOLDS = 24;
  private static final int MAX_TOKENS = 2048;

  /** The rule with the least damage among those that reach the share; else the largest share. */
  static FeedForwardRuleFit fit(
      List<FeedForwardTrace> traces, int layers, int warmUp, double share) {
    float[] sorted = pooled(traces, layers);
    FeedForwardRuleFit best = new FeedForwardRuleFit(2, 1, Math.max(1, layers - 2), 1, 0, 0);
    int edge = Math.max(1, layers / 3);
    for (int first = 1; first <= edge; first++) {
      for (int last = Math.max(first, layers - 1 - edge); last < layers; last++) {
        for (int budget = 1; budget <= Math.max(1, layers / 2); budget++) {
          for (int i = 0; i < THRESHOLDS && sorted.length > 0; i++) {
            float threshold = sorted[(int) ((long) i * sorted.length / THRESHOLDS)];
            FeedForwardRuleFit rule = play(traces, warmUp, threshold, first, last, budget);
            if (rule.better(best, share)) {
              best = rule;
            }
          }
        }
      }
    }
    return best;
  }

  private boolean better(FeedForwardRuleFit other, double share) {
    boolean enough = skipped >= share;
    boolean otherEnough = other.skipped >= share;
    if (enough != otherEnough) {
      return enough;
    }
    return enough ? damage < other.damage : skipped > other.skipped;
  }

  private static float[] pooled(List<FeedForwardTrace> traces, int layers) {
    float[] all = new float[MAX_TOKENS * layers];
    int size = 0;
    for (FeedForwardTrace trace : traces) {
      for (float[] token : trace.cosine()) {
        if (size + layers <= all.length) {
          System.arraycopy(token, 0, all, size, layers);
          size += layers;
        }
      }
    }
    float[] used = Arrays.copyOf(all, size);
    Arrays.sort(used);
    return used;
  }

  /** Plays one rule on the traces. */
  static FeedForwardRuleFit play(
      List<FeedForwardTrace> traces, int warmUp, float threshold, int first, int last, int budget) {
    long cells = 0;
    long skips = 0;
    double damage = 0;
    int tokens = 0;
    for (FeedForwardTrace trace : traces) {
      for (int t = 0; t < trace.cosine().length && tokens < MAX_TOKENS; t++) {
        tokens++;
        float[] cosine = trace.cosine()[t];
        cells += cosine.length;
        int left = 0;
        for (int layer = first; layer <= last && t >= warmUp; layer++) {
          if (left > 0) {
            left--;
            skips++;
            damage += 1 - cosine[layer];
          } else if (cosine[layer] >= threshold) {
            left = budget;
          }
        }
      }
    }
    return new FeedForwardRuleFit(
        threshold,
        first,
        last,
        budget,
        cells == 0 ? 0 : (double) skips / cells,
        cells == 0 ? 0 : damage / cells);
  }
}
