package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestFixedPointSums {
  private static final int SIZE = 5;
  private static final int ADDENDS = 997;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void anyPartitioningGivesTheSameBits(long seed) {
    Random random = new Random(seed);
    double[][] addends = new double[ADDENDS][SIZE];
    for (double[] row : addends) {
      for (int i = 0; i < SIZE; i++) {
        row[i] = random.nextGaussian() * Math.pow(10, random.nextInt(6) - 3);
      }
    }
    FixedPointSums whole = new FixedPointSums(SIZE, 32);
    for (double[] row : addends) {
      add(whole, row);
    }
    int parts = 1 + random.nextInt(17);
    FixedPointSums[] partial = new FixedPointSums[parts];
    for (int p = 0; p < parts; p++) {
      partial[p] = new FixedPointSums(SIZE, 32);
    }
    for (double[] row : addends) {
      add(partial[random.nextInt(parts)], row);
    }
    FixedPointSums merged = partial[0];
    for (int p = parts - 1; p > 0; p--) {
      merged.merge(partial[p]);
    }
    assertThat(Serialised.bytes(merged)).isEqualTo(Serialised.bytes(whole));
  }

  private static void add(FixedPointSums sums, double[] row) {
    for (int i = 0; i < SIZE; i++) {
      sums.add(i, row[i]);
    }
  }

  @Test
  void sumIsNearTheDoubleSum() {
    FixedPointSums sums = new FixedPointSums(1, 40);
    double direct = 0;
    Random random = new Random(3);
    for (int i = 0; i < 10_000; i++) {
      double value = random.nextGaussian();
      sums.add(0, value);
      direct += value;
    }
    assertThat(sums.value(0)).isCloseTo(direct, org.assertj.core.data.Offset.offset(1e-7));
    assertThat(sums.means(10_000)[0]).isEqualTo(sums.value(0) / 10_000);
  }

  @Test
  void overflowIsAnErrorThatSaysWhatToDo() {
    FixedPointSums sums = new FixedPointSums(1, 52);
    assertThatThrownBy(() -> sums.add(0, 4096))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("52 binary digits")
        .hasMessageContaining("fewer rows");
    assertThatThrownBy(() -> sums.add(0, Double.NaN)).isInstanceOf(ArithmeticException.class);
    for (int i = 0; i < 2; i++) {
      sums.add(0, 1000);
    }
    assertThatThrownBy(() -> sums.add(0, 1000))
        .isInstanceOf(ArithmeticException.class)
        .hasMessageContaining("fewer rows");
    FixedPointSums other = new FixedPointSums(1, 52);
    other.add(0, 1000);
    assertThatThrownBy(() -> sums.merge(other)).isInstanceOf(ArithmeticException.class);
  }

  @ParameterizedTest
  @ValueSource(doubles = {1e-9, 0.5, 1, 3, 1e4, 1e12})
  void chosenPrecisionHoldsAllAddends(double magnitude) {
    long addends = 1000;
    FixedPointSums sums = new FixedPointSums(1, FixedPointSums.fractionBitsFor(magnitude, addends));
    for (long i = 0; i < addends; i++) {
      sums.add(0, magnitude);
    }
    assertThat(sums.value(0) / (magnitude * addends))
        .isCloseTo(1, org.assertj.core.data.Offset.offset(1e-6));
  }
}
