package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.kernel.Kernels;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestDepthSpec {
  private static final Depth.ModelFacts FACTS =
      new Depth.ModelFacts(12, 64, new int[] {64, 32}, Path.of("no", "such", "folder"), () -> "00");

  private static DepthPolicy policy(String spec) {
    return Depth.of(DepthSpec.parse(spec), FACTS, Kernels.best(), Arena.ofAuto()).policy();
  }

  @Test
  void textFormIsCanonical() {
    assertThat(DepthSpec.parse(" random:seed=3, keep=0.5 ").toString())
        .isEqualTo("random:keep=0.5,seed=3");
    assertThat(policy("exit:layers=4+8,threshold=0.8").spec())
        .isEqualTo("exit:layers=4+8,threshold=0.8");
  }

  @Test
  void policiesAreJoinedWithPlus() {
    assertThat(DepthSpec.parse("static:keep=0+1+2+exit:layers=4+8,threshold=0.8").toString())
        .isEqualTo("static:keep=0+1+2+exit:layers=4+8,threshold=0.8");
    DepthPolicy both = policy("static:keep=0+1+2+exit:layers=4+8");
    assertThat(both.schedule()).isNotNull();
    assertThat(both.exit()).isNotNull();
    assertThatThrownBy(() -> policy("unified+random"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("schedule");
  }

  @ParameterizedTest
  @CsvSource({
    "fulll, unknown",
    "unified:kep=0.5, keep",
    "unified:keep=2, '[0.0, 1.0]'",
    "unified:keep=x, number",
    "static:keep=1+44, '[0, 11]'",
    "exit:confidence=entropie, top1",
    "unified:prompt=maybe, full",
    "dllm, depth.json"
  })
  void mistakesAreNamed(String spec, String expected) {
    assertThatThrownBy(() -> policy(spec))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }

  /**
   * The sets worked out in the paper's rule: 32 layers at 2, 3, 5 and 10 times, 30 layers at 5
   * times.
   */
  @ParameterizedTest
  @CsvSource({
    "32, 0.5, '{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 31}'",
    "32, 0.3125, '{0, 3, 6, 9, 12, 15, 18, 21, 24, 31}'",
    "32, 0.1875, '{0, 6, 12, 18, 24, 31}'",
    "32, 0.09375, '{0, 16, 31}'",
    "30, 0.2, '{0, 6, 12, 18, 24, 29}'"
  })
  void unifiedKeepsThePublishedSets(int layers, double keep, String expected) {
    assertThat(LayerSubset.unified(layers, keep).toString()).isEqualTo(expected);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0.3, 0.5, 0.75})
  void randomSkipKeepsItsShareOfAllCells(double keep) {
    RandomSkip policy = new RandomSkip(RandomSkip.uniformRates(12, keep), 1);
    long ran = 0;
    int positions = 2000;
    for (int p = 2; p < positions; p++) {
      for (int layer = 0; layer < 12; layer++) {
        ran += policy.runs(layer, p, 77) ? 1 : 0;
      }
    }
    assertThat((double) ran / (12 * (positions - 2)))
        .isCloseTo(keep, org.assertj.core.data.Offset.offset(0.015));
  }

  @Test
  void randomSkipDiffersBetweenRowsAndSeedsButNotBetweenCalls() {
    RandomSkip one = new RandomSkip(RandomSkip.uniformRates(12, 0.5), 1);
    RandomSkip two = new RandomSkip(RandomSkip.uniformRates(12, 0.5), 2);
    assertThat(bits(one, 5))
        .isEqualTo(bits(one, 5))
        .isNotEqualTo(bits(one, 6))
        .isNotEqualTo(bits(two, 5));
  }

  private static BitSet bits(RandomSkip policy, long row) {
    BitSet out = new BitSet();
    for (int p = 0; p < 100; p++) {
      out.set(p, policy.runs(7, p, row));
    }
    return out;
  }
}
