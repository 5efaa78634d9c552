package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Published rules on numbers worked out by hand. */
class TestScheduleRules {
  private static final int PROMPT = 5;

  /** Layers that generated token {@code index} runs. */
  private static BitSet ran(Schedule schedule, int layers, int index, int maxTokens) {
    RowContext row = new RowContext(1, PROMPT, maxTokens);
    BitSet out = new BitSet();
    for (int layer = 0; layer < layers; layer++) {
      byte cells = schedule.cells(layer, PROMPT + index, row);
      assertThat(cells).isIn(Cells.LAYER, Cells.SKIP);
      out.set(layer, cells == Cells.LAYER);
    }
    return out;
  }

  /** The paper's depths for half the computation of 24 layers, over 16 tokens. */
  @ParameterizedTest
  @CsvSource({"-1, 24", "0, 16", "1, 16", "2, 15", "3, 15", "8, 12", "15, 9", "16, 8", "99, 8"})
  void skipDecodeFallsLinearlyFromMaxToMin(int index, int depth) {
    SkipDecode schedule = new SkipDecode(24, new SkipDecode.Range(16, 8), 1, 0, 24);
    assertThat(ran(schedule, 24, index, 16).cardinality()).isEqualTo(depth);
  }

  @Test
  void skipDecodeKeepsTheLowestAndTheTopLayers() {
    SkipDecode one = new SkipDecode(24, new SkipDecode.Range(16, 8), 1, 16, 16);
    assertThat(ran(one, 24, 8, 1000).toString())
        .isEqualTo("{0, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23}");
    SkipDecode three = new SkipDecode(24, new SkipDecode.Range(16, 8), 3, 16, 16);
    assertThat(ran(three, 24, 16, 1000).toString()).isEqualTo("{0, 1, 2, 19, 20, 21, 22, 23}");
  }

  /** 32 layers, alpha 0.9, from token 10 on: 32, 28.8, 25.92, 23.3, ..., 8.13, 7.3. */
  @ParameterizedTest
  @CsvSource({
    "-1, 32", "9, 32", "10, 32", "11, 28", "12, 25", "13, 23", "20, 11", "23, 8", "24, 8", "500, 8"
  })
  void d3FallsExponentiallyFromTheStartDownToTheCore(int index, int depth) {
    DepthDecay schedule = new DepthDecay(32, 0.9, 8, 0.5, 0);
    assertThat(ran(schedule, 32, index, 20).cardinality()).isEqualTo(depth);
  }

  @Test
  void d3TakesLayersOutOfTheMiddleFirst() {
    DepthDecay schedule = new DepthDecay(32, 0.9, 8, 0.5, 20);
    BitSet skipped = ran(schedule, 32, 11, 1000);
    skipped.flip(0, 32);
    assertThat(skipped.toString()).isEqualTo("{14, 15, 16, 17}");
    assertThat(ran(schedule, 32, 500, 1000).toString()).isEqualTo("{0, 1, 2, 3, 28, 29, 30, 31}");
    assertThat(ran(new DepthDecay(5, 0, 3, 0, 1), 5, 1, 1).toString()).isEqualTo("{0, 1, 4}");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 12, 33})
  void laterTokensRunASubsetOfTheLayersOfEarlierOnes(int layers) {
    int min = Math.max(1, layers / 3);
    Schedule[] schedules = {
      new SkipDecode(layers, new SkipDecode.Range(layers, min), 1, 30, layers),
      new DepthDecay(layers, 0.93, min, 0.21, 30)
    };
    for (Schedule schedule : schedules) {
      for (int index = 0; index < 50; index++) {
        BitSet fresh = ran(schedule, layers, index, 30);
        fresh.andNot(ran(schedule, layers, index - 1, 30));
        assertThat(fresh.isEmpty()).as("token %d", index).isTrue();
      }
    }
  }

  @Test
  void adaSkipSkipsTheSublayersThatChangeTheResidualLeast() {
    float[] similarities = {0.1f, 0.9f, 0.5f, 0.7f, 0.9f, 0.2f};
    float[] ratios = {1.1f, 1.2f, 1.3f, 1.4f, 1.5f, 1.6f};
    AdaSkip three = AdaSkip.of(similarities, ratios, 3);
    assertThat(three.skipped().toString()).isEqualTo("{1, 3, 4}");
    assertThat(three.threshold()).isEqualTo(0.7f);
    byte[] cells = {Cells.ATTENTION, Cells.SKIP, Cells.LAYER};
    for (int layer = 0; layer < 3; layer++) {
      assertThat(three.cells().cells(layer, 9, new RowContext(1, 1, 1))).isEqualTo(cells[layer]);
    }
    assertThat(three.operation().attention()).containsExactly(1f, 1.2f, 1f);
    assertThat(three.operation().feedForward()).containsExactly(1.4f, 1.5f, 1f);
    assertThat(AdaSkip.of(similarities, ratios, 1).skipped().toString()).isEqualTo("{1}");
    assertThat(AdaSkip.of(similarities, ratios, 0).threshold()).isGreaterThan(1e9f);
  }

  @Test
  void adaSkipDecodingSkipsWhatARowsFirstTwentyTokensShowed() {
    AdaSkipDecoding rule = new AdaSkipDecoding(3, 0.625f);
    RowContext row = new RowContext(1, PROMPT, 100);
    assertThat(rule.observes(0, PROMPT - 1, row, 0)).isFalse();
    for (int index = 0; index < 20; index++) {
      int position = PROMPT + index;
      for (int layer = 0; layer < 3; layer++) {
        assertThat(rule.runs(layer, position, row, 0)).isTrue();
        assertThat(rule.observes(layer, position, row, 0)).isTrue();
      }
      rule.observed(0, position, row, index % 2 == 0 ? 0.75f : 0.5f, 1 + index % 2, 0);
      rule.observed(1, position, row, index % 2 == 0 ? 0.75f : 0.4f, 1, 0);
    }
    int later = PROMPT + 20;
    assertThat(rule.observes(0, later, row, 0)).isFalse();
    assertThat(rule.runs(0, later, row, 0)).isFalse();
    assertThat(rule.factor(0, row)).isEqualTo(1.5f);
    assertThat(rule.runs(1, later, row, 0)).isTrue();
    assertThat(rule.runs(2, later, row, 0)).as("never measured").isTrue();
    assertThat(rule.runs(0, later, new RowContext(2, PROMPT, 100), 0)).isTrue();
  }

  /**
   * Eight layers, region 1 to 5, threshold 0.9, budget 2, four tokens in full. The cosines are
   * those the sublayers would give.
   */
  @ParameterizedTest
  @CsvSource({
    "4, 1 1 1 1 1 1 1 1, '{0, 1, 4, 6, 7}'",
    "3, 1 1 1 1 1 1 1 1, '{0, 1, 2, 3, 4, 5, 6, 7}'",
    "-1, 1 1 1 1 1 1 1 1, '{0, 1, 2, 3, 4, 5, 6, 7}'",
    "9, 1 .8 .9 .5 .5 1 1 1, '{0, 1, 2, 5, 6, 7}'",
    "9, 1 .8 .8 .8 .9 .9 1 1, '{0, 1, 2, 3, 4, 6, 7}'",
    "9, 1 .8 .8 .8 .8 1 1 1, '{0, 1, 2, 3, 4, 5, 6, 7}'"
  })
  void saturatedFeedForwardsAreSkippedUntilRegionOrBudgetEnd(
      int index, String cosines, String expected) {
    FeedForwardSaturation rule =
        new FeedForwardSaturation(new FeedForwardSaturation.Settings(0.9f, 1, 5, 2, 4), false);
    assertThat(play(rule, PROMPT + index, cosines).toString()).isEqualTo(expected);
  }

  @Test
  void promptTokensSkipAfterTheFirstPositionsWhenAskedFor() {
    FeedForwardSaturation rule =
        new FeedForwardSaturation(new FeedForwardSaturation.Settings(0.9f, 1, 5, 2, 4), true);
    String cosines = "1 1 1 1 1 1 1 1";
    assertThat(play(rule, 3, cosines).cardinality()).isEqualTo(8);
    assertThat(play(rule, 4, cosines).toString()).isEqualTo("{0, 1, 4, 6, 7}");
  }

  private static BitSet play(FeedForwardSaturation rule, int position, String cosines) {
    RowContext row = new RowContext(1, PROMPT, 100);
    String[] parts = cosines.split(" ");
    BitSet ran = new BitSet();
    int memory = 0;
    for (int layer = 0; layer < parts.length; layer++) {
      if (!rule.runs(layer, position, row, memory)) {
        memory = rule.skipped(layer, memory);
        continue;
      }
      ran.set(layer);
      if (rule.observes(layer, position, row, memory)) {
        float cosine = Float.parseFloat(parts[layer]);
        memory = rule.observed(layer, position, row, cosine, 1, memory);
      }
    }
    return ran;
  }
}
