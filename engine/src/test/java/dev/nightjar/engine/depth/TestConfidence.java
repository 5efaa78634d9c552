package dev.nightjar.engine.depth;

import static dev.nightjar.engine.depth.Confidence.Verdict.CONTINUE;
import static dev.nightjar.engine.depth.Confidence.Verdict.EXIT;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The published rules on numbers worked out by hand. */
class TestConfidence {
  private static Evidence evidence(float top1, float top2, float... residual) {
    Evidence evidence = new Evidence();
    evidence.top1 = top1;
    evidence.top2 = top2;
    evidence.residual = residual;
    return evidence;
  }

  @Test
  void measuresOfTheHeadLeaveAtTheThreshold() {
    Evidence evidence = evidence(0.75f, 0.25f);
    evidence.entropy = 0.5f;
    evidence.cosine = 0.875f;
    assertThat(new Confidence.Top1().judge(evidence, 1, 0.75f)).isEqualTo(EXIT);
    assertThat(new Confidence.Top1().judge(evidence, 1, 0.76f)).isEqualTo(CONTINUE);
    assertThat(new Confidence.Margin().judge(evidence, 1, 0.5f)).isEqualTo(EXIT);
    assertThat(new Confidence.Margin().judge(evidence, 1, 0.51f)).isEqualTo(CONTINUE);
    assertThat(new Confidence.Entropy().judge(evidence, 1, 0.5f)).isEqualTo(EXIT);
    assertThat(new Confidence.Entropy().judge(evidence, 1, 0.49f)).isEqualTo(CONTINUE);
    assertThat(new Confidence.State().judge(evidence, 1, 0.875f)).isEqualTo(EXIT);
    assertThat(new Confidence.State().judge(evidence, 1, 0.88f)).isEqualTo(CONTINUE);
  }

  @Test
  void notANumberNeverLeaves() {
    Evidence evidence = evidence(Float.NaN, Float.NaN, Float.NaN, 1);
    evidence.entropy = Float.NaN;
    evidence.cosine = Float.NaN;
    for (Confidence confidence :
        new Confidence[] {
          new Confidence.Top1(),
          new Confidence.Margin(),
          new Confidence.Entropy(),
          new Confidence.State(),
          new Confidence.Classifier(new float[4], new float[2]),
          new Confidence.Features(0, 1, 1),
          new Confidence.Controller(new float[6], 0, 0)
        }) {
      assertThat(confidence.judge(evidence, 1, 0)).as(confidence.toString()).isEqualTo(CONTINUE);
    }
  }

  /** z0 = 1*1 + 2*2 + 0.5 = 5.5; z1 = 3*1 + 2*2 - 1 = 6; softmax[1] = 1 / (1 + e^-0.5). */
  @Test
  void classifierIsALinearMapWithBias() {
    Confidence.Classifier classifier =
        new Confidence.Classifier(new float[] {1, 2, 3, 2}, new float[] {0.5f, -1});
    Evidence evidence = evidence(0, 0, 9, 1, 2);
    evidence.offset = 1;
    assertThat(classifier.judge(evidence, 1, 0.6224f)).isEqualTo(EXIT);
    assertThat(classifier.judge(evidence, 1, 0.6225f)).isEqualTo(CONTINUE);
    assertThat(classifier.macs(2, 0)).isEqualTo(4);
  }

  /** -2 + 1 * 0.75 + 4 * 0.5 = 0.75; sigmoid 0.6792. */
  @Test
  void adaInferIsALogisticRegression() {
    Confidence.Features features = new Confidence.Features(-2, 1, 4);
    assertThat(features.judge(evidence(0.75f, 0.25f), 1, 0.679f)).isEqualTo(EXIT);
    assertThat(features.judge(evidence(0.75f, 0.25f), 1, 0.68f)).isEqualTo(CONTINUE);
  }

  /** Softmax of (1, 0, 0) is 0.576 for the first; of (0, 0, 0) each is a third. */
  @ParameterizedTest
  @CsvSource({
    "1, 0, 0, 0.5, 0.5, STOP",
    "1, 0, 0, 0.6, 0.0, CONTINUE",
    "0, 1, 0, 0.5, 0.5, EXIT",
    "0, 1, 0, 0.0, 0.6, CONTINUE",
    "0, 0, 1, 0.0, 0.0, CONTINUE",
    "0, 0, 0, 0.3, 0.0, STOP",
    "-1, 0, 0, 0.0, 0.0, EXIT"
  })
  void controllerObeysTheLikeliestClassAboveItsThreshold(
      float stop, float exit, float goOn, float stopping, float exiting, String expected) {
    Confidence.Controller controller =
        new Confidence.Controller(new float[] {stop, exit, goOn}, stopping, exiting);
    assertThat(controller.judge(evidence(0, 0, 1), 1, 0))
        .isEqualTo(Confidence.Verdict.valueOf(expected));
  }

  /** 0.9 t + 0.1 t exp(-tau i / n) with t = 1, tau = 4, n = 8 falls from 1 to 0.9. */
  @ParameterizedTest
  @CsvSource({
    "8, 0, 1.0",
    "8, 1, 0.96065307",
    "8, 4, 0.9135335",
    "8, 8, 0.90183157",
    "0, 4, 0.9135335"
  })
  void thresholdDecaysOverTheRow(int length, int index, float threshold) {
    EarlyExit exit =
        new EarlyExit(
            new BitSet(),
            new Confidence.Top1(),
            new float[] {1},
            new EarlyExit.Decay(4, length),
            EarlyExit.ExitHead.PLAIN,
            EarlyExit.KeysValues.PROJECT,
            false);
    RowContext row = new RowContext(0, 3, 8);
    assertThat(exit.judge(evidence(threshold + 2e-7f, 0), 0, row, index)).isEqualTo(EXIT);
    assertThat(exit.judge(evidence(threshold - 2e-7f, 0), 0, row, index)).isEqualTo(CONTINUE);
  }
}
