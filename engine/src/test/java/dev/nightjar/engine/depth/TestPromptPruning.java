package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.kernel.Kernels;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The rules that choose prompt tokens, on numbers worked by hand. */
class TestPromptPruning {
  private static final Depth.ModelFacts FACTS =
      new Depth.ModelFacts(8, 64, new int[] {64, 32}, Path.of("no", "such", "folder"), () -> "00");

  private static DepthPolicy policy(String spec) {
    return Depth.of(DepthSpec.parse(spec), FACTS, Kernels.best(), Arena.ofAuto()).policy();
  }

  private static RowContext row(int promptTokens) {
    return new RowContext(1, promptTokens, 10);
  }

  /** Positions that stay of {@code positions}, whose masses are given. */
  private static List<Integer> retained(
      PromptPruning pruning, int layer, int promptTokens, int[] positions, float... mass) {
    boolean[] keep = new boolean[positions.length];
    pruning.retain(layer, mass, positions, positions.length, row(promptTokens), keep);
    List<Integer> out = new ArrayList<>();
    for (int i = 0; i < positions.length; i++) {
      if (keep[i]) {
        out.add(positions[i]);
      }
    }
    return out;
  }

  private static int[] upTo(int count) {
    int[] out = new int[count];
    for (int i = 0; i < count; i++) {
      out[i] = i;
    }
    return out;
  }

  @Test
  void pyramidKeepsSinksRecentTokensAndTheHeaviestOfTheRest() {
    PromptPruning pruning = policy("pyramid:decay=0,min-length=2,sinks=1,recent=0.2").pruning();
    assertThat(pruning.window(4, 10, row(10))).isEqualTo(3);
    // Context 0-6, ratio (cos(pi / 2) + 1) / 2 = 1/2 at layer 4 of 8: floor(3.5) = 3 stay.
    assertThat(retained(pruning, 4, 10, upTo(10), 0, 5, 1, 7, 2, 7, 3, 0, 0, 0))
        .containsExactly(0, 3, 5, 7, 8, 9);
  }

  @Test
  void pyramidRatiosFollowThePublishedCosineAndCompound() {
    PromptPruning pruning = policy("pyramid:min-length=0,sinks=0,recent=0").pruning();
    int live = 1001;
    for (int layer = 1; layer < 7; layer++) {
      double ratio = 0.1 * (Math.cos(Math.PI * layer / 8) + 1) / 2 + 0.9;
      assertThat(pruning.prunes(layer)).isTrue();
      int stay = retained(pruning, layer, 1001, upTo(live), new float[live]).size();
      assertThat(stay).isEqualTo(1 + (int) ((live - 1) * ratio));
      live = stay;
    }
    assertThat(pruning.prunes(0)).isFalse();
    assertThat(pruning.prunes(7)).isFalse();
  }

  @ParameterizedTest
  @CsvSource({"1, 1+2+3+4+5+6", "2, 2+4+6", "3, 3+6"})
  void pyramidPrunesEveryFewLayers(int every, String expected) {
    PromptPruning pruning = policy("pyramid:every=" + every).pruning();
    StringBuilder layers = new StringBuilder();
    for (int layer = 0; layer < 8; layer++) {
      if (pruning.prunes(layer)) {
        layers.append(layers.isEmpty() ? "" : "+").append(layer);
      }
    }
    assertThat(layers.toString()).isEqualTo(expected);
  }

  @Test
  void pyramidLeavesAContextAloneThatWouldFallToTheMinimum() {
    PromptPruning pruning = policy("pyramid:decay=0.5,min-length=64").pruning();
    assertThat(retained(pruning, 6, 100, upTo(80), new float[80])).hasSize(80);
    assertThat(retained(pruning, 6, 400, upTo(320), new float[320]).size()).isBetween(146, 320);
  }

  @ParameterizedTest
  @CsvSource({"0.5, 1, 101", "0.25, 2, 51", "0.1, 3, 21", "1, 1, 201"})
  void pyramidKeepIsTheShareOfTheContextLeftAtTheEnd(double keep, int every, int expected) {
    String spec = "pyramid:keep=" + keep + ",every=" + every + ",recent=0,min-length=0,sinks=0";
    PromptPruning pruning = policy(spec).pruning();
    int live = 201;
    for (int layer = 0; layer < 8; layer++) {
      if (pruning.prunes(layer)) {
        live = retained(pruning, layer, 201, upTo(live), new float[live]).size();
      }
    }
    assertThat(live).isEqualTo(expected);
  }

  @Test
  void pyramidWeighsNearerQueriesMore() {
    PromptPruning pruning = policy("pyramid").pruning();
    assertThat(pruning.queryWeight(0, 5)).isEqualTo(1f);
    assertThat(pruning.queryWeight(2, 5)).isEqualTo(1.1f);
    assertThat(pruning.queryWeight(4, 5)).isEqualTo(1.2f);
    assertThat(pruning.queryWeight(0, 1)).isEqualTo(1f);
  }

  @Test
  void slimKeepsTheFirstTheLastAndTheBestBlocks() {
    PromptPruning pruning = policy("slim:layers=2,keep=0.5,block=3").pruning();
    assertThat(pruning.window(2, 13, row(13))).isEqualTo(3);
    // Context 0-9: blocks 0-2, 3-5, 6-8 and 9 with means 0, 2, 1, 3; ceil(0.5 * 4) = 2 stay.
    assertThat(retained(pruning, 2, 13, upTo(13), 0, 0, 0, 6, 0, 0, 1, 1, 1, 3, 0, 0, 0))
        .containsExactly(0, 1, 2, 9, 10, 11, 12);
    // Blocks stay what they are after an earlier pruning: 6-7 with mean 4 against 12-13 with 3.
    int[] positions = {0, 1, 6, 7, 12, 13, 18, 19, 20};
    assertThat(retained(pruning, 2, 21, positions, 0, 0, 4, 4, 1, 5, 0, 0, 0))
        .containsExactly(0, 1, 6, 7, 18, 19, 20);
    assertThat(pruning.prunes(1)).isFalse();
    assertThat(pruning.prunes(2)).isTrue();
    assertThat(policy("slim:layers=2,keep=1").pruning().prunes(2)).isFalse();
  }

  @Test
  void gemFilterPoolsNeighboursAndKeepsBothEnds() {
    PromptFilter filter = policy("gemfilter:layer=3,keep=4,pool=3").filter();
    assertThat(filter.layer()).isEqualTo(3);
    boolean[] keep = new boolean[9];
    // Means of three: 0, 0, 1, 4, 3, 3, 0, -1, -1; the ends stay, and of the rest 3 and 4.
    filter.choose(new float[] {0, 0, 0, 3, 9, -3, 3, 0, -3}, 9, keep);
    assertThat(keep).containsExactly(true, false, false, true, true, false, false, false, true);
  }

  @ParameterizedTest
  @CsvSource({"64, 200, 64", "64, 10, 10", "0.25, 201, 51", "1, 7, 7", "2, 1, 1", "0, 9, 2"})
  void gemFilterKeepsAShareOrANumber(double keep, int promptTokens, int expected) {
    assertThat(new GemFilter(1, keep, 5).keeps(promptTokens)).isEqualTo(expected);
  }

  @Test
  void lowerIndexComesFirstAmongEquals() {
    boolean[] chosen = new boolean[6];
    Largest.mark(new float[] {9, 1, 2, 2, 2, Float.NaN}, 1, 6, 3, chosen);
    assertThat(chosen).containsExactly(false, false, true, true, false, true);
    boolean[] none = new boolean[2];
    Largest.mark(new float[] {1, 2}, 0, 2, -1, none);
    assertThat(none).containsOnly(false);
  }

  @ParameterizedTest
  @ValueSource(strings = {"pyramid", "pyramid:keep=0.3", "slim:layers=2,keep=0.1,block=2"})
  void shortPromptsAndTheLastTokenAreSafe(String spec) {
    PromptPruning pruning = policy(spec).pruning();
    for (int tokens = 1; tokens <= 12; tokens++) {
      BitSet stay = new BitSet();
      retained(pruning, 2, tokens, upTo(tokens), new float[tokens]).forEach(stay::set);
      assertThat(stay.get(0)).isTrue();
      assertThat(stay.get(tokens - 1)).isTrue();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'pyramid:keep=0.5,decay=0.9', decay",
    "pyramid:every=4, '[1, 3]'",
    "pyramid:recent=1.5, recent",
    "pyramid:weight=0.5, weight",
    "slim:layers=8, '[0, 7]'",
    "slim:block=0, block",
    "gemfilter:layer=8, '[0, 7]'",
    "gemfilter:keep=3.5, whole number",
    "gemfilter:pool=4, odd",
    "gemfilter+pyramid, filter",
    "slim+pyramid, pruning"
  })
  void mistakesAreNamed(String spec, String expected) {
    assertThatThrownBy(() -> policy(spec))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }
}
