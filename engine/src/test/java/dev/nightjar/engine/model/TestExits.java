package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.depth.ArtefactFolder;
import dev.nightjar.engine.depth.Cells;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.EarlyExit;
import dev.nightjar.engine.depth.RandomSkip;
import dev.nightjar.engine.depth.Schedule;
import dev.nightjar.engine.depth.TinyArtefacts;
import dev.nightjar.engine.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Where generated tokens leave, and what they leave behind. */
class TestExits {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final int LAYERS = CONFIG.numLayers();
  private static final int V = CONFIG.vocabSize();
  private static final int D = CONFIG.hiddenSize();
  private static final int PROMPT = 21;
  private static final int TOTAL = 40;
  private static final int[] TOKENS = new Random(8).ints(TOTAL, 0, 256).toArray();

  @TempDir private Path folder;

  /** Logits of the last prompt slot and of every later one. */
  private record Run(float[][] logits, SequenceState state) {
    ComputeStats stats() {
      return state.stats("exit");
    }

    int left(int layer) {
      return stats().exitLayerHistogram().get(layer);
    }
  }

  private static DepthPolicy policy(String spec) {
    return ArtefactFolder.load(spec, CONFIG, KERNELS);
  }

  private static Run run(DepthPolicy policy, int chunk) {
    TinyRun run = TinyRun.of(CONFIG, KERNELS, policy, TOKENS, PROMPT, chunk);
    return new Run(run.logits(), run.state());
  }

  /** Prompts run in full, generated tokens the first layers only. */
  private static DepthPolicy truncated(int depth) {
    Schedule schedule =
        (layer, position, row) ->
            position < row.promptTokens() || layer < depth ? Cells.LAYER : Cells.SKIP;
    return DepthPolicy.named("truncated").with(schedule);
  }

  @ParameterizedTest
  @CsvSource({
    "'exit:threshold=0,layers=3+5', 3",
    "'exit:confidence=margin,threshold=0,layers=2', 2",
    "'exit:confidence=entropy,threshold=100,layers=4', 4",
    "'exit:confidence=state,threshold=-2,layers=2+3+4', 3",
    "'exit:threshold=0,layers=1,kv=defer,defer-limit=100', 1"
  })
  void tokensThatLeaveAtTheFirstProbeEqualATruncatedModel(String spec, int depth) {
    Run run = run(policy(spec), 16);
    assertThat(run.left(depth)).isEqualTo(TOTAL - PROMPT);
    assertThat(run.left(LAYERS)).isEqualTo(1);
    assertThat(run.logits()).isDeepEqualTo(run(truncated(depth), 16).logits());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "exit:threshold=1.5,every=1,min-layer=1",
        "exit:threshold=2,vocabulary=20,layers=2+3+4",
        "exit:threshold=2,vocabulary=100000,layers=2+3",
        "exit:confidence=margin,threshold=2,kv=defer",
        "exit:confidence=entropy,threshold=-1",
        "exit:confidence=state,threshold=2,layers=1+2+3"
      })
  void tokensThatAreNeverSureRunEveryLayer(String spec) {
    Run run = run(policy(spec), 16);
    assertThat(run.logits()).isDeepEqualTo(run(DepthPolicy.full(), 16).logits());
    assertThat(run.left(LAYERS)).isEqualTo(TOTAL - PROMPT + 1);
    assertThat(run.stats().flops()).isGreaterThan(run.stats().flopsFull());
  }

  @Test
  void probesAndProjectionsAreCountedInClosedForm() {
    long layer = CONFIG.layerMacs();
    long head = CONFIG.headMacs();
    long kv = CONFIG.kvProjectionMacs();
    int n = TOTAL - PROMPT;
    Run run = run(policy("exit:confidence=state,threshold=-2,layers=1+2+4"), 16);
    double expected = PROMPT * 6L * layer + head + n * (2L * layer + 4L * kv + head + 3L * D);
    assertThat(run.stats().flops()).isEqualTo(2 * (expected + attention(2)));
    run = run(policy("exit:confidence=entropy,threshold=-1,layers=2+4,vocabulary=32"), 16);
    expected = TOTAL * 6L * layer + head + n * (2L * head + 32L * D + V + 32L);
    assertThat(run.stats().flops()).isEqualTo(2 * (expected + attention(6)));
    for (int i = 0; i < LAYERS; i++) {
      assertThat(run.state().kvEntries(i)).isEqualTo(TOTAL);
    }
  }

  /** Scores and mixes when prompts run all layers and generated tokens {@code depth}. */
  private static long attention(int depth) {
    long sum = 0;
    for (int p = 0; p < TOTAL; p++) {
      sum += (p < PROMPT ? 6L : depth) * 2 * (p + 1) * CONFIG.queryDim();
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {20, 100, 259, 260, 5000})
  void prunedVocabularyKeepsTheFirstProbesLikeliestTokensWithTheirExactLogits(int size) {
    float[][] first = run(truncated(2), 16).logits();
    float[][] later = run(truncated(4), 16).logits();
    String spec = "exit:thresholds=2+0,layers=2+4,vocabulary=" + size;
    Run run = run(policy(spec), 16);
    int kept = Math.min(size, V);
    assertThat(run.left(4)).isEqualTo(TOTAL - PROMPT);
    for (int i = 1; i < first.length; i++) {
      float[] sorted = first[i].clone();
      Arrays.sort(sorted);
      for (int id = 0; id < V; id++) {
        boolean stays = first[i][id] >= sorted[V - kept];
        assertThat(run.logits()[i][id]).isEqualTo(stays ? later[i][id] : Float.NEGATIVE_INFINITY);
      }
    }
  }

  @Test
  void lowerIdsWinAmongEqualLogitsAndNotANumberLoses() {
    float[] logits = new float[] {9, 1, 1, Float.NaN, 1, 2, Float.NEGATIVE_INFINITY, 1};
    ShortLists lists = new ShortLists();
    float[] weights = new float[8 * 2];
    var head =
        dev.nightjar.engine.kernel.PackedMatrix.ofFloats(
            weights, 8, 2, java.lang.foreign.Arena.ofAuto());
    float[] out = new float[7];
    lists.clear(3, 4);
    lists.choose(2, logits, 1, 7, head);
    lists.choose(0, logits, 0, 7, head);
    lists.spread(2, new float[] {10, 11, 12, 13}, 0, out, 0, 7);
    float none = Float.NEGATIVE_INFINITY;
    assertThat(out).containsExactly(10, 11, none, 12, 13, none, none);
    lists.spread(0, new float[] {0, 10, 11, 12, 13}, 1, out, 0, 7);
    assertThat(out).containsExactly(10, 11, 12, none, none, 13, none);
  }

  @Test
  void lensMapsTheResidualBeforeTheHead() {
    float[] twice = new float[D * D];
    for (int i = 0; i < D; i++) {
      twice[i * (D + 1)] = 2;
    }
    String spec =
        new ArtefactFolder(folder, "exit", CONFIG)
            .with("measure", "top1")
            .with("lens", true)
            .with("exits", List.of(Map.of("layer", 3, "threshold", 0)))
            .tensor("exits.3.lens.weight", twice, D, D)
            .random(new Random(1), 0, "exits.3.lens.bias", D)
            .write();
    Run run = run(policy(spec), 16);
    Run plain = run(truncated(3), 16);
    // RMSNorm takes the factor out again, up to its epsilon.
    for (int i = 1; i < run.logits().length; i++) {
      for (int id = 0; id < V; id++) {
        assertThat(run.logits()[i][id])
            .isCloseTo(plain.logits()[i][id], org.assertj.core.data.Offset.offset(1e-3f));
      }
    }
    double lens = 2.0 * (TOTAL - PROMPT) * D * D;
    assertThat(run.stats().flops())
        .isEqualTo(run(policy("exit:threshold=0,layers=3"), 16).stats().flops() + lens);
  }

  @Test
  void aTokenThatLeftIsProjectedOnlyWhereTheScheduleWouldHaveRunIt() {
    Run run = run(policy("static:keep=0+1+2+4+exit:threshold=0,layers=2"), 16);
    assertThat(run.left(2)).isEqualTo(TOTAL - PROMPT);
    for (int layer = 0; layer < LAYERS; layer++) {
      boolean kept = layer != 3 && layer != 5;
      assertThat(run.state().kvEntries(layer)).isEqualTo(kept ? TOTAL : 0);
    }
  }

  @Test
  void stateIsNotJudgedWhereTheLayerWasSkipped() {
    Run run =
        run(
            policy("static:keep=0+1+3+4+5+exit:confidence=state,threshold=0.9999999,layers=1+3"),
            16);
    assertThat(run.left(3)).isZero();
  }

  private DepthPolicy base(String name) throws IOException {
    return switch (name) {
      case "random" ->
          DepthPolicy.named("random").with(new RandomSkip(RandomSkip.uniformRates(6, 0.6), 5));
      case "dllm" -> DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f));
      case "ffnskip" -> new TinyArtefacts(folder, CONFIG).writeAll().policy("ffnskip");
      default -> DepthPolicy.full();
    };
  }

  /**
   * A waiting token's own decisions are those it would have made without leaving, so whatever
   * reaches the last layer equals the policy without exits.
   */
  @ParameterizedTest
  @CsvSource({"full, 0.5", "random, 0.9", "dllm, 0.9", "ffnskip, 0.5"})
  void deferredTokensGoOnAsIfTheyHadNeverLeftUnderAnyPolicy(String name, float threshold)
      throws IOException {
    DepthPolicy base = base(name);
    EarlyExit exit = TinyModels.exit(CONFIG, threshold, true, 2, 4).exit();
    Run run = run(base.with(exit), 16);
    Run without = run(base, 16);
    BitSet through = new BitSet();
    for (int i = 0; i < run.logits().length; i++) {
      through.set(i, Arrays.equals(run.logits()[i], without.logits()[i]));
    }
    assertThat(run.left(2)).isPositive();
    assertThat(run.left(LAYERS)).isGreaterThan(1);
    assertThat(through.cardinality()).isGreaterThanOrEqualTo(run.left(LAYERS));
    int last = PROMPT + through.length() - 2;
    for (int p = 0; p <= last; p++) {
      assertThat(Traces.of(run.state()).get(p)).isEqualTo(Traces.of(without.state()).get(p));
    }
    long cells = 0;
    for (int layer = 0; layer < LAYERS; layer++) {
      int entries = 0;
      for (BitSet ran : Traces.of(run.state())) {
        entries += ran.get(layer) ? 1 : 0;
      }
      assertThat(run.state().kvEntries(layer)).isEqualTo(entries);
      cells += entries;
    }
    ComputeStats stats = run.stats();
    assertThat(stats.layersExecuted() + stats.layersExecutedPrefill()).isEqualTo(cells);
    assertThat(stats.layersExecuted() + stats.layersSkipped() + stats.layersExited())
        .isEqualTo((long) LAYERS * (TOTAL - PROMPT + 1));
    assertThat(stats.layersExited())
        .isEqualTo(run.state().deferred.waiting(LAYERS))
        .isLessThanOrEqualTo(4L * 5);
    Run chunked = run(base.with(exit), 5);
    assertThat(chunked.logits()).isDeepEqualTo(run.logits());
    assertThat(chunked.stats()).isEqualTo(stats);
  }
}
