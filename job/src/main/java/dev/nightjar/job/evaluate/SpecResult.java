package dev.nightjar.job.evaluate;

import java.util.List;
import java.util.Optional;

/**
 * Everything measured for one spec.
 *
 * @param id its short name in the results folder
 * @param metrics in the order of {@link Metrics#names}
 * @param perplexity of the gold texts, if asked for and there are any
 * @param scoredTokens gold tokens behind {@code perplexity}
 * @param flopsToDenseRun operations over those of the dense run, whose answers may be longer or
 *     shorter
 * @param meanBatch mean rows in flight
 * @param rate against the dense run of the same process
 */
record SpecResult(
    PlannedSpec spec,
    String id,
    RowCounts rows,
    List<Metric> metrics,
    Optional<Metric> perplexity,
    long scoredTokens,
    ComputeSums compute,
    double flopsToDenseRun,
    double meanBatch,
    Optional<RateRatio> rate,
    List<Pair> pairs) {
  SpecResult {
    metrics = List.copyOf(metrics);
    pairs = List.copyOf(pairs);
  }

  /** The metric of a name. */
  Metric metric(String name) {
    return metrics.stream()
        .filter(metric -> metric.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new IllegalStateException("no metric " + name));
  }
}
