package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.PackedMatrix;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The published rules on numbers worked out by hand. */
class TestRouterRules {
  private static final Kernels KERNELS = Kernels.best();
  private static final int NEVER_RESERVED = 0;

  private static Linear linear(int in, float[] weight, float... bias) {
    return new Linear(PackedMatrix.ofFloats(weight, bias.length, in, Arena.ofAuto()), bias);
  }

  private static byte[] gate(Gate gate, float[] x, int... positions) {
    byte[] cells = new byte[positions.length];
    gate.gate(0, x, positions, positions.length, cells, new GateScratch(KERNELS));
    return cells;
  }

  private static SublayerRouters linearRouters(int reserved, float threshold) {
    SublayerRouters.Router attention =
        new SublayerRouters.Router(linear(2, new float[] {1, 0, 0, 1}, 0, 0.5f), null);
    SublayerRouters.Router feedForward =
        new SublayerRouters.Router(linear(2, new float[] {0, 1, 1, 0}, 0, 0), null);
    SublayerRouters.Pair[] pairs = {new SublayerRouters.Pair(attention, feedForward)};
    return new SublayerRouters(KERNELS, pairs, reserved, threshold);
  }

  /** Attention scores (x0, x1 + 1/2), feed-forward scores (x1, x0); class 1 skips. */
  @ParameterizedTest
  @CsvSource({
    "1, 0.4, ATTENTION", // 1 > 0.9 and 0.4 < 1
    "1, 2, FEED_FORWARD", // 1 < 2.5 and 2 > 1
    "1, 0.7, SKIP", // 1 < 1.2 and 0.7 < 1
    "0.5, 0, ATTENTION", // 0.5 = 0.5: equal scores run
    "1, 1, FEED_FORWARD" // 1 < 1.5 and 1 = 1
  })
  void sublayerRunsUnlessItsSkipScoreIsLarger(float x0, float x1, String expected) {
    byte cells = gate(linearRouters(NEVER_RESERVED, 0), new float[] {x0, x1}, 9)[0];
    assertThat(cells)
        .isEqualTo(
            switch (expected) {
              case "ATTENTION" -> Cells.ATTENTION;
              case "FEED_FORWARD" -> Cells.FEED_FORWARD;
              default -> Cells.SKIP;
            });
  }

  @Test
  void thresholdIsWhatTheSkipScoreMustExceedTheExecuteScoreBy() {
    float[] x = {1, 1};
    assertThat(gate(linearRouters(NEVER_RESERVED, 0.5f), x, 9)).containsExactly(Cells.LAYER);
    assertThat(gate(linearRouters(NEVER_RESERVED, 0.49f), x, 9))
        .containsExactly(Cells.FEED_FORWARD);
    assertThat(gate(linearRouters(NEVER_RESERVED, -0.01f), x, 9)).containsExactly(Cells.SKIP);
    assertThat(gate(linearRouters(3, -10), new float[] {1, 1, 1, 1, 1, 1}, 1, 2, 3))
        .containsExactly(Cells.LAYER, Cells.LAYER, Cells.SKIP);
  }

  @Test
  void hiddenRouterAppliesRelu() {
    Linear first = linear(2, new float[] {1, 0, 0, 1}, 0, 0);
    Linear second = linear(2, new float[] {1, 0, 0, 1}, 0.25f, 0);
    SublayerRouters.Router router = new SublayerRouters.Router(first, second);
    SublayerRouters.Pair[] pairs = {new SublayerRouters.Pair(router, router)};
    SublayerRouters gate = new SublayerRouters(KERNELS, pairs, NEVER_RESERVED, 0);
    // (-3, -1) is (0, 0) behind the ReLU, so 1/4 > 0; without it -2.75 < -1 would skip
    assertThat(gate(gate, new float[] {-3, -1, 0, 1}, 5, 6))
        .containsExactly(Cells.LAYER, Cells.SKIP);
    assertThat(gate.macs(0)).isEqualTo(2 * (4 + 4));
    assertThat(linearRouters(0, 0).macs(0)).isEqualTo(2 * 4);
  }

  @Test
  void linearGateRunsFromTheThresholdOn() {
    Linear[] gates = {linear(2, new float[] {1, -1}, 0.5f), null};
    LinearGates gate = new LinearGates(KERNELS, gates, 2, 0.75f);
    float[] x = {1, 0.75f, 1, 0.8f, 0, 5, 0, 5};
    assertThat(gate(gate, x, 2, 3, 1, 4))
        .containsExactly(Cells.LAYER, Cells.SKIP, Cells.LAYER, Cells.SKIP);
    assertThat(gate.gates(1)).isFalse();
    assertThat(gate.macs(0)).isEqualTo(2);
  }

  @Test
  void geluIsThePublishedTanhForm() {
    for (float x = -12; x < 12; x += 0.0037f) {
      double u = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
      assertThat((double) PathRouters.gelu(x))
          .isCloseTo(x / 2.0 * (1 + Math.tanh(u)), within(1e-6));
    }
    assertThat(PathRouters.gelu(10)).isEqualTo(10f);
    assertThat(PathRouters.gelu(-1e20f)).isEqualTo(-0f);
  }

  /** Scores: skip = mean of window means of column 0 (all large, so GELU is the identity). */
  private static byte path(float[] x, int n, float execute, float repeat, boolean repeats) {
    PathRouters.Router router =
        new PathRouters.Router(
            linear(2, new float[] {1, 0}, 0), linear(1, new float[] {1, 0, 0}, 0, execute, repeat));
    PathRouters planner =
        new PathRouters(
            KERNELS, new PathRouters.Router[] {router}, 2, repeats, PathRouters.Bias.NONE);
    RowContext row = new RowContext(1, n, 4);
    planner.plan(0, x, row, new GateScratch(KERNELS));
    return row.planned(0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 15, 16, 19, 100})
  void windowsCoverTheFirstTokensAndTheirMeanScoreDecides(int n) {
    int windows = Math.min(8, n);
    int covered = windows * (n / windows);
    float[] x = new float[2 * n];
    for (int t = 0; t < n; t++) {
      x[2 * t] = t < covered ? 16 + t : 1e9f; // the rest is left out
      x[2 * t + 1] = -1e9f;
    }
    float mean = 16 + (covered - 1) / 2f;
    assertThat(path(x, n, mean + 0.125f, 0, true)).isEqualTo(Cells.LAYER);
    assertThat(path(x, n, mean - 0.125f, 0, true)).isEqualTo(Cells.SKIP);
    assertThat(path(x, n, mean, 0, true)).isEqualTo(Cells.LAYER);
    assertThat(path(x, n, mean, mean + 0.125f, true)).isEqualTo(Cells.TWICE);
    assertThat(path(x, n, mean, mean + 0.125f, false)).isEqualTo(Cells.LAYER);
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0, 1",
    "-0.75, 0, 0.5",
    "-0.5, 0, 0",
    "-0.25, 1, 0.5",
    "0, 1, 1",
    "0.5, 1, 0",
    "0.75, 2, 0.5",
    "1, 2, 1"
  })
  void budgetKnobLeansTowardsThePublishedClass(double knob, int target, float weight) {
    assertThat(PathRouters.Bias.of(knob)).isEqualTo(new PathRouters.Bias(target, weight));
  }

  @Test
  void knobMixesProbabilitiesWithItsClass() {
    // probabilities 0.6, 0.3, 0.1; half execute: 0.3, 0.65, 0.05; a fifth: 0.48, 0.44, 0.08
    float[] bias = {(float) Math.log(0.6), (float) Math.log(0.3), (float) Math.log(0.1)};
    PathRouters.Router router =
        new PathRouters.Router(linear(1, new float[1], 0), linear(1, new float[3], bias));
    byte[] found = new byte[5];
    double[] knobs = {-1, 0.25, 0.4, 0.5, 1};
    for (int i = 0; i < knobs.length; i++) {
      RowContext row = new RowContext(1, 2, 4);
      PathRouters.Router[] routers = {router};
      new PathRouters(KERNELS, routers, 1, true, PathRouters.Bias.of(knobs[i]))
          .plan(0, new float[2], row, new GateScratch(KERNELS));
      found[i] = row.planned(0);
    }
    assertThat(found).containsExactly(Cells.SKIP, Cells.LAYER, Cells.SKIP, Cells.SKIP, Cells.TWICE);
  }

  /** Scores are the logarithms of the given class probabilities, read off the last token. */
  @ParameterizedTest
  @CsvSource({
    "0.6, 0.3, 0.1, 0, 1",
    "0.3, 0.3, 0.4, 0, 2",
    "0.2, 0.2, 0.6, 0, 4",
    "0.6, 0.3, 0.1, 1, 2", // 0.6, 0.815, 0.739: 0.28 then 0.66
    "0.6, 0.3, 0.1, 3, 4", // 0.6, 6.03, 40.3
    "0.2, 0.2, 0.6, -2, 1", // 0.2, 0.027, 0.011
    "0.98, 0.01, 0.01, 1000000, 4"
  })
  void cheapestSetThatProbablySufficesIsChosen(
      double p0, double p1, double p2, float margin, int expectedLayers) {
    BitSet[] masks = {BitSet.valueOf(new long[] {1}), BitSet.valueOf(new long[] {9}), new BitSet()};
    masks[2].set(0, 4);
    Linear probe = linear(3, new float[] {1, 0, 0, 0, 1, 0, 0, 0, 1}, 0, 0, 0);
    RowMasks planner = new RowMasks(KERNELS, probe, 1, masks, 4, margin);
    float[] x = new float[9];
    Arrays.fill(x, 77); // other tokens do not count
    x[6] = (float) Math.log(p0);
    x[7] = (float) Math.log(p1);
    x[8] = (float) Math.log(p2);
    RowContext row = new RowContext(1, 3, 4);
    planner.plan(1, x, row, new GateScratch(KERNELS));
    int run = 0;
    for (int layer = 0; layer < 4; layer++) {
      run += row.planned(layer) == Cells.LAYER ? 1 : 0;
    }
    assertThat(run).isEqualTo(expectedLayers);
    assertThat(planner.macs(1, 3)).isEqualTo(9);
  }
}
