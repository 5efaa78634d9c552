package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Options and artefacts of the policies by position, sublayer, block and path. */
class TestScheduledSpecs {
  private static final ModelConfig CONFIG = TinyModels.config(64);
  private static final RowContext ROW = new RowContext(1, 4, 100);

  @TempDir Path folder;
  private TinyArtefacts artefacts;

  @BeforeEach
  void writeArtefacts() throws IOException {
    artefacts = new TinyArtefacts(folder, CONFIG).writeAll();
  }

  @ParameterizedTest
  @CsvSource({
    "skipdecode:max=7, '[1, 6]'",
    "'skipdecode:max=3,min=4', '[1, 3]'",
    "'skipdecode:min=2,warm-up=3', '[0, 2]'",
    "skipdecode:length=0, length",
    "skipdecode:prompt=skip, full or max",
    "d3:alpha=1.5, '[0.0, 1.0]'",
    "d3:alpha=NaN, alpha",
    "d3:core=0, '[1, 6]'",
    "d3:start=-1, start",
    "adaskip:skip=13, '[0, 12]'",
    "adaskip:online=maybe, true or false",
    "ffnskip:threshold=3, '[-1.0, 2.0]'",
    "'ffnskip:first=3,last=2', '[3, 5]'",
    "ffnskip:first=5, a layer up to 4",
    "ffnskip:budget=0, '[1, 6]'",
    "ffnskip:warm-up=-1, warm-up",
    "ffnskip:prompt=full, true or false",
    "drop:first=2, first and count together",
    "drop:count=2, first and count together",
    "'drop:first=2,count=5', '[1, 4]'",
    "'drop:first=6,count=1', '[0, 5]'",
    "'drop:first=1,count=1,artefact=x', either an artefact",
    "path, layers",
    "path:layers=0+2+1, ascending",
    "path:layers=0+1+1+1, at most twice",
    "path:layers=0+6, '[0, 5]'"
  })
  void mistakesInOptionsAreNamed(String spec, String expected) {
    assertThatThrownBy(() -> artefacts.policy(spec))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "adaskip | {\"attention_similarity\": [1, 2]} | has 2 entries, expected an array of 6",
        "adaskip | {} | attention_similarity is no array",
        "adaskip | {\"attention_similarity\": [0, 0, 0, 0, 0, 7]} | attention_similarity[5] is 7.0",
        "adaskip | {\"attention_similarity\": [0, 0, 0, 0, 0, \"x\"]} | attention_similarity[5]",
        "adaskip | {\"attention_similarity\": [0, 0, 0, 0, 0, 1e999]} | attention_similarity[5]",
        "adaskip | {\"skip\": 13} | skip is 13, expected an integer in [0, 12]",
        "ffnskip | {\"first_layer\": 6} | first_layer is 6",
        "ffnskip | {\"first_layer\": 3} | similarity_threshold",
        "drop | {\"first\": 4, \"count\": 3} | count is 3, expected an integer in [1, 2]",
        "drop | {\"first\": -1} | first is -1",
        "drop | {\"policy\": \"adaskip\"} | policy is \"adaskip\""
      })
  void badNumbersInDescriptionsAreRefused(String policy, String fields, String expected)
      throws IOException {
    artefacts.describe(policy, fields);
    assertThatThrownBy(() -> artefacts.policy(policy))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void badMapsAreRefused() throws IOException {
    int d = CONFIG.hiddenSize();
    artefacts.map(new float[d * (d - 1)], d, d - 1, new float[d]);
    assertThatThrownBy(() -> artefacts.policy("drop"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("\"map.weight\" has shape [48, 47], expected [48, 48]");
    artefacts.map(new float[d * d], d, d, new float[d + 1]);
    assertThatThrownBy(() -> artefacts.policy("drop"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("\"map.bias\" has shape [49], expected [48]");
    float[] bias = new float[d];
    bias[7] = Float.NaN;
    artefacts.map(new float[d * d], d, d, bias);
    assertThatThrownBy(() -> artefacts.policy("drop"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("map.bias")
        .hasMessageContaining("NaN");
  }

  @Test
  void skipDecodeAndD3HaveDefaults() {
    Depth.ModelFacts facts = new Depth.ModelFacts(32, 64, new int[] {64, 32}, folder, () -> "sum");
    int[] expected = {22, 11};
    for (int i = 0; i < 2; i++) {
      Schedule schedule =
          Depth.of(DepthSpec.parse("skipdecode"), facts, Kernels.best(), Arena.ofAuto())
              .policy()
              .schedule();
      int ran = 0;
      for (int layer = 0; layer < 32; layer++) {
        ran += schedule.cells(layer, 4 + 100 * i, ROW) == Cells.LAYER ? 1 : 0;
      }
      assertThat(ran).isEqualTo(expected[i]);
    }
    Schedule d3 = artefacts.policy("d3").schedule();
    assertThat(d3.cells(3, 4 + 50, ROW)).isEqualTo(Cells.LAYER);
    assertThat(d3.cells(3, 4 + 99, ROW)).isEqualTo(Cells.SKIP);
    assertThat(d3.cells(2, 4 + 52, ROW)).isEqualTo(Cells.SKIP);
    assertThat(d3.cells(1, 4 + 99, ROW)).isEqualTo(Cells.LAYER);
  }

  @Test
  void adaSkipTakesItsNumberOfSublayersFromOptionThenArtefact() throws IOException {
    assertThat(artefacts.policy("adaskip:skip=1").schedule().cells(3, 0, ROW))
        .isEqualTo(Cells.ATTENTION);
    assertThat(artefacts.policy("adaskip").schedule().cells(1, 0, ROW))
        .isEqualTo(Cells.FEED_FORWARD);
    assertThat(artefacts.policy("adaskip").schedule().cells(4, 0, ROW)).isEqualTo(Cells.LAYER);
    String tables = "[0, 0, 0, 0, 0, 0]";
    String[] keys = {"attention_similarity", "feed_forward_similarity"};
    String[] ratios = {"attention_ratio", "feed_forward_ratio"};
    StringBuilder json = new StringBuilder("{\"skip\": 5");
    for (int i = 0; i < 2; i++) {
      json.append(", \"").append(keys[i]).append("\": ").append(tables);
      json.append(", \"").append(ratios[i]).append("\": ").append(tables);
    }
    artefacts.describe("adaskip", json.append("}").toString());
    Schedule five = artefacts.policy("adaskip").schedule();
    assertThat(five.cells(4, 0, ROW)).isEqualTo(Cells.FEED_FORWARD);
    assertThat(five.cells(5, 0, ROW)).isEqualTo(Cells.LAYER);
  }

  @Test
  void optionsOfFfnSkipOverrideItsArtefact() {
    FeedForwardRule artefact = artefacts.policy("ffnskip").feedForward();
    assertThat(artefact.observed(1, 20, ROW, 0.8f, 1, 0)).isEqualTo(2);
    assertThat(artefact.observes(1, 4 + 4, ROW, 0)).isTrue();
    FeedForwardRule override =
        artefacts.policy("ffnskip:threshold=0.81,budget=3,warm-up=5,first=2").feedForward();
    assertThat(override.observed(2, 20, ROW, 0.8f, 1, 0)).isZero();
    assertThat(override.observed(2, 20, ROW, 0.82f, 1, 0)).isEqualTo(3);
    assertThat(override.observes(2, 4 + 4, ROW, 0)).isFalse();
    assertThat(override.observes(1, 4 + 5, ROW, 0)).isFalse();
    assertThat(override.observes(2, 4 + 5, ROW, 0)).isTrue();
  }

  @Test
  void policiesAreNamedByTheirCanonicalTextAndCombine() {
    assertThat(artefacts.policy("adaskip:skip=2,online=false").spec())
        .isEqualTo("adaskip:online=false,skip=2");
    DepthPolicy both = artefacts.policy("path:layers=0+1+2+2+5+ffnskip");
    assertThat(both.repeats()).isTrue();
    assertThat(both.feedForward()).isNotNull();
    assertThatThrownBy(() -> artefacts.policy("drop+adaskip"))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("schedule");
  }
}
