package dev.nightjar.job.evaluate;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Rows per second over those of the dense run, shard by shard.
 *
 * @param shards number of shards in which both ran in the same process
 */
record RateRatio(double median, double min, double max, int shards) {
  /** Compares the pairs of the same shard and process; empty where there are none. */
  static Optional<RateRatio> of(List<Pair> pairs, List<Pair> dense) {
    double[] ratios =
        pairs.stream()
            .flatMapToDouble(pair ->
                dense.stream()
                    .filter(base ->
                        base.shard() == pair.shard()
                            && base.session().equals(pair.session())
                            && base.rate() > 0)
                    .mapToDouble(base -> pair.rate() / base.rate()))
            .sorted()
            .toArray();
    if (ratios.length == 0) {
      return Optional.empty();
    }
    Arrays.sort(ratios);
    return Optional.of(
        new RateRatio(
            Bootstrap.quantile(ratios, 0.5), ratios[0], ratios[ratios.length - 1], ratios.length));
  }
}
