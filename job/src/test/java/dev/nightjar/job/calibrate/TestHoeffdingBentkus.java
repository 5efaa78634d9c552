package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import org.junit.jupiter.api.Test;

class TestHoeffdingBentkus {

  @Test
  void withoutLossesItIsThePowerOfTheTolerance() {
    assertThat(HoeffdingBentkus.pValue(0, 100, 0.05)).isCloseTo(Math.pow(0.95, 100), offset(1e-12));
    assertThat(HoeffdingBentkus.pValue(0, 384, 0.01)).isCloseTo(0.021082, offset(1e-6));
  }

  @Test
  void agreesWithValuesByHand() {
    // n = 10, tolerance 0.5, loss 1: Hoeffding exp(-10 h(0.1, 0.5)), h = 0.1 ln 0.2 + 0.9 ln 1.8;
    // Bentkus e (1 + 10) / 1024.
    double h = 0.1 * Math.log(0.2) + 0.9 * Math.log(1.8);
    assertThat(HoeffdingBentkus.pValue(1, 10, 0.5))
        .isCloseTo(Math.min(Math.exp(-10 * h), Math.E * 11 / 1024), offset(1e-12));
    // A loss of 0.5 counts as a whole one in Bentkus' bound.
    double h2 = 0.05 * Math.log(0.1) + 0.95 * Math.log(1.9);
    assertThat(HoeffdingBentkus.pValue(0.5, 10, 0.5))
        .isCloseTo(Math.min(Math.exp(-10 * h2), Math.E * 11 / 1024), offset(1e-12));
  }

  @Test
  void binomialAddsUp() {
    assertThat(HoeffdingBentkus.binomial(2, 4, 0.5)).isCloseTo(11.0 / 16, offset(1e-12));
    assertThat(HoeffdingBentkus.binomial(4, 4, 0.3)).isCloseTo(1, offset(1e-12));
    assertThat(HoeffdingBentkus.binomial(0, 3, 0.1)).isCloseTo(0.729, offset(1e-12));
  }

  @Test
  void riskAtOrAboveTheToleranceIsNoEvidence() {
    assertThat(HoeffdingBentkus.pValue(1, 100, 0.01)).isEqualTo(1);
    assertThat(HoeffdingBentkus.pValue(50, 100, 0.01)).isEqualTo(1);
    assertThat(HoeffdingBentkus.pValue(0, 0, 0.01)).isEqualTo(1);
  }

  @Test
  void growsWithLossesAndFallsWithRowsAndTolerance() {
    for (int losses = 0; losses < 20; losses++) {
      double here = HoeffdingBentkus.pValue(losses, 200, 0.1);
      assertThat(HoeffdingBentkus.pValue(losses + 1, 200, 0.1)).isGreaterThanOrEqualTo(here);
      assertThat(HoeffdingBentkus.pValue(losses, 400, 0.1)).isLessThanOrEqualTo(here);
      assertThat(HoeffdingBentkus.pValue(losses, 200, 0.2)).isLessThanOrEqualTo(here);
      assertThat(here).isBetween(0.0, 1.0);
    }
  }
}
