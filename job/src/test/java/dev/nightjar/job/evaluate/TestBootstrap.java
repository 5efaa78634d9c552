package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TestBootstrap {
  private static final Bootstrap BOOTSTRAP = new Bootstrap(2000, 0.95, 7);

  @Test
  void equalValuesHaveAnIntervalOfNoWidth() {
    assertThat(BOOTSTRAP.mean(filled(40, 0.25), filled(40, 1)))
        .isEqualTo(new Interval(0.25, 0.25, 0.25));
    assertThat(BOOTSTRAP.mean(new double[] {3}, new double[] {2}))
        .isEqualTo(new Interval(1.5, 1.5, 1.5));
    assertThat(BOOTSTRAP.mean(new double[0], new double[0])).isEqualTo(new Interval(0, 0, 0));
  }

  @Test
  void intervalOfAShareIsNearTheNormalOne() {
    double[] values = filled(400, 0);
    Arrays.fill(values, 0, 300, 1);
    Interval interval = BOOTSTRAP.mean(values, filled(400, 1));
    double half = 1.96 * Math.sqrt(0.75 * 0.25 / 400);
    assertThat(interval.estimate()).isEqualTo(0.75);
    assertThat(interval.low()).isCloseTo(0.75 - half, within(0.006));
    assertThat(interval.high()).isCloseTo(0.75 + half, within(0.006));
  }

  @Test
  void lessConfidenceIsANarrowerInterval() {
    double[] values = random(200);
    Interval wide = BOOTSTRAP.mean(values, filled(200, 1));
    Interval narrow = new Bootstrap(2000, 0.5, 7).mean(values, filled(200, 1));
    assertThat(narrow.low()).isGreaterThan(wide.low());
    assertThat(narrow.high()).isLessThan(wide.high());
  }

  @Test
  void sameSeedSameIntervalOtherSeedOther() {
    double[] values = random(100);
    double[] ones = filled(100, 1);
    Interval first = BOOTSTRAP.mean(values, ones);
    assertThat(BOOTSTRAP.mean(values, ones)).isEqualTo(first);
    assertThat(new Bootstrap(2000, 0.95, 8).mean(values, ones)).isNotEqualTo(first);
  }

  @Test
  void orderOfRowsDoesNotMatter() {
    double[] values = random(150);
    double[] base = random(150);
    double[] weights = IntStream.range(0, 150).mapToDouble(i -> 1 + i % 5).toArray();
    Interval interval = BOOTSTRAP.difference(values, base, weights);
    List<Integer> order = IntStream.range(0, 150).boxed().collect(Collectors.toList());
    Collections.shuffle(order, new Random(3));
    assertThat(
            BOOTSTRAP.difference(
                shuffled(values, order), shuffled(base, order), shuffled(weights, order)))
        .isEqualTo(interval);
  }

  @Test
  void differenceIsPaired() {
    double[] base = random(100);
    double[] values = Arrays.stream(base).map(v -> v + 0.5).toArray();
    Interval interval = BOOTSTRAP.difference(values, base, filled(100, 1));
    assertThat(interval.estimate()).isCloseTo(0.5, within(1e-12));
    assertThat(interval.high() - interval.low()).isLessThan(1e-12);
  }

  @Test
  void weightedMeanIsARatioOfSums() {
    Interval interval = BOOTSTRAP.mean(new double[] {2, 9}, new double[] {1, 3});
    assertThat(interval.estimate()).isEqualTo(11.0 / 4);
    assertThat(interval.low()).isEqualTo(2);
    assertThat(interval.high()).isEqualTo(3);
  }

  @Test
  void quantilesAreInterpolated() {
    double[] sorted = {1, 2, 4};
    assertThat(Bootstrap.quantile(sorted, 0)).isEqualTo(1);
    assertThat(Bootstrap.quantile(sorted, 0.25)).isEqualTo(1.5);
    assertThat(Bootstrap.quantile(sorted, 0.75)).isEqualTo(3);
    assertThat(Bootstrap.quantile(sorted, 1)).isEqualTo(4);
  }

  private static double[] filled(int length, double value) {
    double[] values = new double[length];
    Arrays.fill(values, value);
    return values;
  }

  private static double[] random(int length) {
    return new Random(11).doubles(length).toArray();
  }

  private static double[] shuffled(double[] values, List<Integer> order) {
    return order.stream().mapToDouble(i -> values[i]).toArray();
  }
}
