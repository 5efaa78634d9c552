package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.depth.TinyArtefacts;
import dev.nightjar.engine.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Policies by position, by sublayer and by path on the forward pass, against a reference. */
class TestScheduledPolicies {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final int LAYERS = CONFIG.numLayers();
  private static final int PROMPT = 17;
  private static final int TOTAL = 47;
  private static final int[] TOKENS = new Random(3).ints(TOTAL, 0, 256).toArray();

  @TempDir static Path folder;
  private static TinyArtefacts artefacts;

  @BeforeAll
  static void writeArtefacts() throws IOException {
    artefacts = new TinyArtefacts(folder, CONFIG).writeAll();
  }

  private static RowContext row() {
    return new RowContext(99, PROMPT, TOTAL - PROMPT);
  }

  private static TinyRun run(DepthPolicy policy, int chunk) {
    return TinyRun.of(CONFIG, KERNELS, policy, TOKENS, PROMPT, chunk);
  }

  private static CellOracle oracle(DepthPolicy policy) {
    boolean mapped = policy.skip() != null && policy.skip().map() != null;
    int d = CONFIG.hiddenSize();
    double[][] map = new double[d][d];
    double[] bias = new double[d];
    for (int i = 0; i < d; i++) {
      bias[i] = TinyArtefacts.bias(d)[i];
      for (int j = 0; j < d; j++) {
        map[i][j] = TinyArtefacts.weight(d)[i * d + j];
      }
    }
    CellOracle oracle =
        new CellOracle(CONFIG, TinyModels.source(CONFIG, 7), policy, mapped ? map : null, bias);
    oracle.run(TOKENS, row());
    return oracle;
  }

  static String[] specs() {
    return new String[] {
      "skipdecode:max=5,min=2",
      "skipdecode:max=4,min=2,warm-up=2,length=10,prompt=max",
      "d3:alpha=0.8,start=0.3,core=2",
      "adaskip:skip=4,online=false",
      "adaskip:skip=4",
      "ffnskip",
      "ffnskip:threshold=0.7,first=0,last=5,budget=1,warm-up=3,prompt=true",
      "drop",
      "drop:first=2,count=2",
      "path:layers=0+1+2+2+5"
    };
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "skipdecode:max=6,min=6",
        "skipdecode:max=6,min=6,warm-up=6,prompt=max",
        "d3:alpha=1",
        "d3:alpha=0.5,core=6",
        "d3:alpha=0.5,core=1,start=1,length=100",
        "adaskip:skip=0,online=false",
        "adaskip:skip=0",
        "ffnskip:threshold=1.1",
        "ffnskip:warm-up=100",
        "path:layers=0+1+2+3+4+5"
      })
  void policyThatAlwaysExecutesEqualsFullDepthBitForBit(String spec) {
    TinyRun full = run(DepthPolicy.full(), 8);
    TinyRun neutral = run(artefacts.policy(spec), 8);
    assertThat(neutral.logits()).isDeepEqualTo(full.logits());
    assertThat(neutral.state().stats("").layerExecutions())
        .isEqualTo(full.state().stats("").layerExecutions());
  }

  @ParameterizedTest
  @MethodSource("specs")
  void promptChunkSizeDoesNotChangeABit(String spec) {
    DepthPolicy policy = artefacts.policy(spec);
    TinyRun whole = run(policy, PROMPT);
    for (int chunk : new int[] {1, 5}) {
      TinyRun chunked = run(policy, chunk);
      assertThat(chunked.logits()).isDeepEqualTo(whole.logits());
      assertThat(chunked.state().stats("p")).isEqualTo(whole.state().stats("p"));
    }
  }

  @ParameterizedTest
  @MethodSource("specs")
  void logitsCountersAndKeysAndValuesEqualTheReference(String spec) {
    DepthPolicy policy = artefacts.policy(spec);
    CellOracle oracle = oracle(policy);
    TinyRun run = run(policy, 8);
    for (int p = PROMPT - 1; p < TOTAL; p++) {
      double[] expected = oracle.logits.get(p);
      double max = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
      for (int v = 0; v < expected.length; v++) {
        assertThat((double) run.logits()[p - PROMPT + 1][v])
            .isCloseTo(expected[v], within(1e-4 * max));
      }
    }
    ComputeStats stats = run.state().stats(spec);
    int produced = TOTAL - PROMPT + 1;
    assertThat(stats.flops()).isEqualTo(2.0 * (oracle.macs + produced * CONFIG.headMacs()));
    assertThat(stats.attnSkipped()).isEqualTo(oracle.attentionSkipped);
    assertThat(stats.mlpSkipped()).isEqualTo(oracle.feedForwardSkipped);
    assertThat(stats.layersExecuted() + stats.layersExecutedPrefill()).isEqualTo(oracle.cellsRun);
    assertThat(stats.layersExecuted() + stats.layersSkipped()).isEqualTo(LAYERS * produced);
    assertThat(stats.layersExecutedPrefill() + stats.layersSkippedPrefill())
        .isEqualTo(LAYERS * (PROMPT - 1));
    long entries = 0;
    for (int layer = 0; layer < (policy.repeats() ? 2 : 1) * LAYERS; layer++) {
      assertThat(run.state().kvEntries(layer)).isEqualTo(oracle.kvEntries(layer));
      entries += oracle.kvEntries(layer);
    }
    assertThat(stats.kvBytes()).isEqualTo(entries * 8L * CONFIG.kvDim());
  }

  /** What each specification skips in a row of 17 prompt and 30 generated tokens. */
  @ParameterizedTest
  @CsvSource({
    "'adaskip:skip=4,online=false', 47 0 47 0 47 47",
    "'drop', 47 47 0 0 0 47",
    "'drop:first=2,count=2', 47 47 0 0 47 47",
    "'path:layers=0+1+2+2+5', 47 47 47 0 0 47",
    "'ffnskip', 47 47 47 47 47 47",
    "'d3:alpha=0.8,start=0.3,core=2', 47 30 27 27 28 47"
  })
  void layersHoldKeysAndValuesOfTheTokensThatAttendThere(String spec, String expected) {
    SequenceState state = run(artefacts.policy(spec), 8).state();
    StringBuilder found = new StringBuilder();
    for (int layer = 0; layer < LAYERS; layer++) {
      found.append(layer == 0 ? "" : " ").append(state.kvEntries(layer));
    }
    assertThat(found.toString()).isEqualTo(expected);
  }

  @Test
  void secondRunOfALayerHasKeysAndValuesOfItsOwn() {
    SequenceState state = run(artefacts.policy("path:layers=0+1+2+2+5"), 8).state();
    assertThat(state.kvEntries(LAYERS + 2)).isEqualTo(TOTAL);
    assertThat(state.kvEntries(LAYERS + 1)).isZero();
    assertThat(state.stats("").layerExecutions()).containsExactly(47L, 47L, 94L, 0L, 0L, 47L);
  }

  @Test
  void feedForwardsAreSkippedOnlyByGeneratedTokensUnlessAskedFor() {
    assertThat(run(artefacts.policy("ffnskip"), 8).state().stats("").mlpSkipped()).isPositive();
    for (int warmUp : new int[] {30, 46, 47}) {
      String options = ":threshold=-1,first=0,last=5,budget=6,warm-up=" + warmUp;
      DepthPolicy decode = artefacts.policy("ffnskip" + options);
      assertThat(run(decode, 8).state().stats("").mlpSkipped()).isZero();
      DepthPolicy prompt = artefacts.policy("ffnskip" + options + ",prompt=true");
      assertThat(run(prompt, 8).state().stats("").mlpSkipped()).isEqualTo(5L * (47 - warmUp));
    }
  }

  @Test
  void onlineStageSkipsMoreAfterTwentyGeneratedTokens() {
    long offline =
        run(artefacts.policy("adaskip:skip=4,online=false"), 8).state().stats("").mlpSkipped();
    long online = run(artefacts.policy("adaskip:skip=4"), 8).state().stats("").mlpSkipped();
    assertThat(offline).isEqualTo(47);
    assertThat(online - offline).isPositive().isLessThanOrEqualTo(4L * (TOTAL - PROMPT - 20));
    assertThat((online - offline) % (TOTAL - PROMPT - 20)).isZero();
  }

  @Test
  void identityMapEqualsABlockThatIsOnlyDropped(@TempDir Path other) throws IOException {
    TinyArtefacts identity = new TinyArtefacts(other, CONFIG);
    int d = CONFIG.hiddenSize();
    float[] eye = new float[d * d];
    for (int i = 0; i < d; i++) {
      eye[i * (d + 1)] = 1;
    }
    identity.describe("drop", "{\"first\": 2, \"count\": 3}");
    identity.map(eye, d, d, new float[d]);
    assertThat(run(identity.policy("drop"), 8).logits())
        .isDeepEqualTo(run(artefacts.policy("drop:first=2,count=3"), 8).logits());
  }
}
