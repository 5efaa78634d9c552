package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TestFixedSequence {
  private static final double TOLERANCE = 0.1;
  private static final double CONFIDENCE = 0.9;

  private static Trial trial(int rows, double lossSum, double flops) {
    return new Trial(rows, lossSum, 0, -1, flops, 100, 1, 1);
  }

  @Test
  void stopsAtTheFirstFailureEvenIfALaterOneWouldPass() {
    double[] losses = {0, 1, 40, 0};
    FixedSequence sequence =
        FixedSequence.test(4, i -> trial(100, losses[i], 90 - 10 * i), TOLERANCE, CONFIDENCE);
    assertThat(sequence.accepted()).isEqualTo(2);
    assertThat(sequence.tested()).hasSize(3);
    assertThat(sequence.cheapest().index()).isEqualTo(1);
  }

  @Test
  void nothingAcceptedIsNull() {
    FixedSequence sequence = FixedSequence.test(3, i -> trial(100, 50, 90), TOLERANCE, CONFIDENCE);
    assertThat(sequence.accepted()).isZero();
    assertThat(sequence.cheapest()).isNull();
    assertThat(FixedSequence.test(0, i -> null, TOLERANCE, CONFIDENCE).cheapest()).isNull();
  }

  /**
   * Settings with true risks around the tolerance; over disjoint splits of simulated rows the share
   * in which an accepted setting is above the tolerance stays below what the confidence allows.
   */
  @Test
  void violationsStayWithinTheConfidence() {
    double[] risks = {0.02, 0.05, 0.08, 0.101, 0.13, 0.2};
    int splits = 400;
    int rows = 150;
    Random random = new Random(11);
    int violations = 0;
    int useful = 0;
    for (int split = 0; split < splits; split++) {
      double[] losses = new double[risks.length];
      for (int row = 0; row < rows; row++) {
        double difficulty = random.nextDouble();
        for (int i = 0; i < risks.length; i++) {
          losses[i] += difficulty < risks[i] ? 1 : 0;
        }
      }
      FixedSequence sequence =
          FixedSequence.test(
              risks.length, i -> trial(rows, losses[i], 90 - 10 * i), TOLERANCE, CONFIDENCE);
      FixedSequence.Tested chosen = sequence.cheapest();
      violations += chosen != null && risks[chosen.index()] > TOLERANCE ? 1 : 0;
      useful += chosen != null ? 1 : 0;
    }
    assertThat((double) violations / splits).isLessThanOrEqualTo(1 - CONFIDENCE);
    assertThat(useful).isGreaterThan(splits / 2);
  }
}
