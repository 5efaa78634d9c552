package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestFits {
  private static final ModelFacts MODEL = new ModelFacts("m", "00", 4, 8, 16, 64, 1000, 100, 50);

  @Test
  void exitSimulationFollowsTheRule() {
    // Two tokens: the first is sure at exit 1 and right, the second at exit 3 and wrong.
    ExitTrace trace =
        new ExitTrace(
            new float[][] {{0.95f, 0.2f}, {0.99f, 0.91f}},
            new boolean[][] {{true, false}, {true, false}});
    ExitSimulation simulation = new ExitSimulation(MODEL, new int[] {1, 3}, List.of(trace), 50);
    BitSet both = new BitSet();
    both.set(0, 2);
    ExitSimulation.Outcome loose = simulation.play(both, 0.9);
    assertThat(loose.exited()).isEqualTo(1);
    assertThat(loose.disagreement()).isEqualTo(1);
    // First token: one probe, which is its head, and three layers but their keys and values;
    // second: two probes, one of them its head, and one layer.
    assertThat(loose.savedMacs()).isCloseTo((3 * 900 + 900 - 50) / 2.0, offset(1e-9));
    ExitSimulation.Outcome strict = simulation.play(both, 0.94);
    assertThat(strict.exited()).isEqualTo(0.5);
    assertThat(strict.disagreement()).isZero();
    BitSet best = simulation.bestExits(new double[] {0.94}, 0.01);
    assertThat(best.stream().toArray()).containsExactly(0);
  }

  @Test
  void feedForwardRuleFollowsTheAlgorithm() {
    // Layer 1 is unchanged, so 2 and 3 are skipped under a budget of 2; layer 4 is outside.
    float[][] cosine = {{1f, 0.99f, 0.5f, 0.6f, 0.99f, 1f}, {1f, 0.99f, 0.5f, 0.6f, 0.99f, 1f}};
    List<FeedForwardTrace> traces = List.of(new FeedForwardTrace(cosine));
    FeedForwardRuleFit rule = FeedForwardRuleFit.play(traces, 1, 0.9f, 1, 3, 2);
    assertThat(rule.skipped()).isCloseTo(2.0 / 12, offset(1e-9));
    assertThat(rule.damage()).isCloseTo(0.9 / 12, offset(1e-6));
    assertThat(FeedForwardRuleFit.play(traces, 2, 0.9f, 1, 3, 2).skipped()).isZero();
    assertThat(FeedForwardRuleFit.play(traces, 0, 2f, 1, 3, 2).skipped()).isZero();
  }

  @Test
  void feedForwardFitReachesTheShareWhereItCan() {
    Random random = new Random(4);
    float[][] cosine = new float[200][9];
    for (float[] token : cosine) {
      for (int layer = 0; layer < token.length; layer++) {
        token[layer] = 0.9f + 0.1f * random.nextFloat();
      }
    }
    List<FeedForwardTrace> traces = List.of(new FeedForwardTrace(cosine));
    FeedForwardRuleFit fit = FeedForwardRuleFit.fit(traces, 9, 4, 0.2);
    assertThat(fit.skipped()).isBetween(0.2, 0.5);
    assertThat(fit.first()).isLessThanOrEqualTo(fit.last());
  }

  @ParameterizedTest
  @CsvSource({"4,2", "12,2", "12,0", "32,2", "3,1", "2,1"})
  void masksAreNestedAndTheLastIsFull(int layers, int probeLayer) {
    List<TreeSet<Integer>> masks = RowMaskSettings.masks(layers, probeLayer);
    assertThat(masks.getLast()).hasSize(layers);
    for (int i = 1; i < masks.size(); i++) {
      assertThat(masks.get(i)).containsAll(masks.get(i - 1));
      assertThat(masks.get(i).size()).isGreaterThan(masks.get(i - 1).size());
    }
    for (int layer = 0; layer < probeLayer; layer++) {
      assertThat(masks.getFirst()).contains(layer);
    }
  }

  @Test
  void lossIsZeroForTheSameTextAndCountsLostFields() {
    CalibrationOptions options =
        new CalibrationOptions(
            CalibrationMethod.EXIT,
            java.nio.file.Path.of("out"),
            8,
            0.5,
            0.1,
            0.9,
            0,
            0,
            null,
            List.of("a", "b"),
            CalibrationOptions.Fitting.DEFAULT);
    AnswerScore score = new AnswerScore(options);
    DenseRow row =
        new DenseRow(
            0, "0", "k", new int[1], 1, new int[1], "{\"a\": 1, \"b\": \"x\"}", List.of("1", "y"));
    assertThat(score.score(row, row.text())).isEqualTo(0.5);
    assertThat(score.loss(row, row.text())).isZero();
    assertThat(score.loss(row, "{\"a\": 2, \"b\": \"x\"}")).isEqualTo(0.5);
    assertThat(score.loss(row, "{\"a\": 1, \"b\": \"y\"}")).isZero();
    assertThat(score.loss(row, "no json")).isEqualTo(0.5);
    assertThat(score.loss(row, null)).isEqualTo(0.5);
  }
}
