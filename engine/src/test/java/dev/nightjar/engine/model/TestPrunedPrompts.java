package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.depth.Depth;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.engine.depth.MaskReplay;
import dev.nightjar.engine.depth.PromptFilter;
import dev.nightjar.engine.depth.PromptPruning;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Prompts that lose tokens on the way up. */
class TestPrunedPrompts {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final int LAYERS = CONFIG.numLayers();
  private static final int PROMPT = 50;
  private static final int TOTAL = 57;
  private static final int[] TOKENS = new Random(3).ints(TOTAL, 0, 256).toArray();

  private record Run(float[][] logits, SequenceState state) {}

  static DepthPolicy policy(String spec) {
    Depth.ModelFacts facts =
        new Depth.ModelFacts(
            LAYERS,
            CONFIG.hiddenSize(),
            new int[] {CONFIG.queryDim(), CONFIG.kvDim()},
            Path.of("none"),
            () -> "00");
    return Depth.of(DepthSpec.parse(spec), facts, KERNELS, Arena.ofAuto()).policy();
  }

  private static Run run(DepthPolicy policy, int prompt, int total) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    RowContext row = new RowContext(99, prompt, total - prompt + 1);
    SequenceState state = new SequenceState(CONFIG, new KvPages(CONFIG), policy, row, true);
    Activations act = new Activations(CONFIG, KERNELS);
    Step step = new Step();
    float[][] logits = new float[total - prompt + 1][];
    for (int end = prompt; end <= total; end++) {
      step.clear();
      for (int p = end == prompt ? 0 : end - 1; p < end; p++) {
        step.add(state, TOKENS[p], p, p < prompt, p == end - 1);
      }
      model.forward(step, act);
      logits[end - prompt] = Arrays.copyOf(act.logits(), CONFIG.vocabSize());
    }
    return new Run(logits, state);
  }

  @ParameterizedTest
  @ValueSource(strings = {"pyramid:decay=1", "pyramid:keep=1", "slim:keep=1", "gemfilter:keep=1"})
  void keepingEverythingEqualsFullDepthBitForBitAndCostsNothing(String spec) {
    Run pruned = run(policy(spec), PROMPT, TOTAL);
    Run dense = run(DepthPolicy.full(), PROMPT, TOTAL);
    assertThat(pruned.logits()).isDeepEqualTo(dense.logits());
    assertThat(pruned.state().stats("p")).isEqualTo(dense.state().stats("p"));
  }

  @Test
  void droppedTokensLeaveExactlyThePublishedNumberOfEntries() {
    SequenceState state = run(policy("pyramid:decay=0.5,min-length=8"), PROMPT, TOTAL).state();
    int context = PROMPT - 11;
    for (int layer = 0; layer < LAYERS; layer++) {
      assertThat(state.kvEntries(layer)).isEqualTo(context + 11 + TOTAL - PROMPT);
      double ratio = 0.5 * (Math.cos(Math.PI * layer / LAYERS) + 1) / 2 + 0.5;
      int stay = (int) (context * ratio);
      context = layer > 0 && layer < LAYERS - 1 && stay > 8 ? stay : context;
    }
    assertThat(context).isLessThan(20);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"pyramid:keep=0.3,min-length=4", "slim:layers=1+3,keep=0.5,block=4", "pyramid"})
  void countersAndEntriesFollowFromTheRecordedLayers(String spec) {
    DepthPolicy policy = policy(spec);
    SequenceState state = run(policy, PROMPT, TOTAL).state();
    ComputeStats stats = state.stats(spec);
    List<BitSet> trace = Traces.of(state);
    long macs = CONFIG.headMacs() * (TOTAL - PROMPT + 1);
    int[] entries = new int[LAYERS];
    long prefill = 0;
    for (int p = 0; p < TOTAL; p++) {
      BitSet ran = trace.get(p);
      assertThat(ran.cardinality()).isEqualTo(ran.length());
      if (p >= PROMPT - 1) {
        assertThat(ran.cardinality()).isEqualTo(LAYERS);
      } else {
        prefill += ran.cardinality();
      }
      for (int layer = 0; layer < ran.length(); layer++) {
        entries[layer]++;
        macs += CONFIG.layerMacs() + 2L * entries[layer] * CONFIG.queryDim();
      }
    }
    for (int layer = 0; layer < LAYERS; layer++) {
      assertThat(state.kvEntries(layer)).isEqualTo(entries[layer]);
      if (policy.pruning().prunes(layer)) {
        int live = entries[layer] - (TOTAL - PROMPT);
        int window = Math.min(live, policy.pruning().window(layer, live, state.row));
        for (int w = 0; w < window; w++) {
          macs += (long) (live - w) * CONFIG.queryDim();
        }
      }
    }
    assertThat(stats.flops()).isEqualTo(2.0 * macs);
    assertThat(stats.layersExecutedPrefill()).isEqualTo(prefill);
    assertThat(stats.layersExecutedPrefill() + stats.layersSkippedPrefill())
        .isEqualTo((long) LAYERS * (PROMPT - 1));
    assertThat(stats.layersExecuted()).isEqualTo((long) LAYERS * (TOTAL - PROMPT + 1));
  }

  @Test
  void prunedPromptEqualsMaskedDenseAttentionAndReplaysToTheSameBits() {
    Run pruned = run(policy("pyramid:keep=0.3,min-length=4"), PROMPT, TOTAL);
    List<BitSet> trace = Traces.of(pruned.state());
    assertThat(trace.stream().mapToInt(BitSet::cardinality).sum()).isLessThan(LAYERS * TOTAL - 50);
    DepthPolicy replay = DepthPolicy.named("replay").with(new MaskReplay(trace));
    assertThat(pruned.logits()).isDeepEqualTo(run(replay, PROMPT, TOTAL).logits());
    double[][] expected = MaskedDense.logits(CONFIG, TinyModels.source(CONFIG, 7), TOKENS, trace);
    for (int p = PROMPT - 1; p < TOTAL; p++) {
      double max = Arrays.stream(expected[p]).map(Math::abs).max().orElseThrow();
      for (int v = 0; v < CONFIG.vocabSize(); v++) {
        assertThat((double) pruned.logits()[p - PROMPT + 1][v])
            .isCloseTo(expected[p][v], Offset.offset(1e-4 * max));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void shortestPromptsRun(int prompt) {
    for (String spec : List.of("pyramid:keep=0.1,min-length=0,sinks=0,recent=0", "slim:keep=0")) {
      SequenceState state = run(policy(spec), prompt, prompt + 3).state();
      assertThat(state.kvEntries(LAYERS - 1)).isBetween(4, prompt + 3);
      assertThat(Traces.of(state).get(prompt - 1).cardinality()).isEqualTo(LAYERS);
    }
  }

  /** Records the masses of the first layer. */
  private record Watch(float[] seen, int queries) implements PromptPruning {
    @Override
    public boolean prunes(int layer) {
      return layer == 0;
    }

    @Override
    public int window(int layer, int liveTokens, RowContext row) {
      return queries;
    }

    @Override
    public float queryWeight(int index, int window) {
      return index + 1;
    }

    @Override
    public void retain(
        int layer, float[] mass, int[] positions, int tokens, RowContext row, boolean[] keep) {
      System.arraycopy(mass, 0, seen, 0, tokens);
      Arrays.fill(keep, 0, tokens, true);
    }
  }

  @Test
  void massIsTheWeightedAttentionOfTheLastTokensAveragedOverHeads() {
    float[] seen = new float[PROMPT];
    run(DepthPolicy.named("watch").with(new Watch(seen, 3)), PROMPT, PROMPT);
    double[] expected = new double[PROMPT];
    for (int w = 0; w < 3; w++) {
      double[][] heads =
          Attention.weights(
              CONFIG, TinyModels.source(CONFIG, 7), Arrays.copyOf(TOKENS, PROMPT - 2 + w));
      for (double[] head : heads) {
        for (int t = 0; t < head.length; t++) {
          expected[t] += (w + 1) * head[t] / heads.length;
        }
      }
    }
    for (int t = 0; t < PROMPT; t++) {
      assertThat((double) seen[t]).isCloseTo(expected[t], Offset.offset(1e-4));
    }
  }

  /** Records what it is shown and keeps half. */
  private record WatchFilter(float[] seen) implements PromptFilter {
    @Override
    public int layer() {
      return 0;
    }

    @Override
    public int keeps(int promptTokens) {
      return promptTokens / 2;
    }

    @Override
    public void choose(float[] similarity, int tokens, boolean[] keep) {
      System.arraycopy(similarity, 0, seen, 0, tokens);
      Arrays.fill(keep, 0, keeps(tokens), true);
    }
  }

  @Test
  void filterSeesTheLastQuerysInnerProductsSummedOverHeads() {
    float[] seen = new float[PROMPT];
    DepthPolicy policy = DepthPolicy.named("watch").with(new WatchFilter(seen));
    RowContext row = new RowContext(99, PROMPT, 1);
    SequenceState state = new SequenceState(CONFIG, new KvPages(CONFIG), policy, row, false);
    Step step = new Step();
    for (int p = 0; p < PROMPT; p++) {
      step.add(state, TOKENS[p], p, true, false);
    }
    TinyModels.model(CONFIG, KERNELS, policy).forward(step, new Activations(CONFIG, KERNELS));
    double[][] heads =
        Attention.products(CONFIG, TinyModels.source(CONFIG, 7), Arrays.copyOf(TOKENS, PROMPT));
    for (int t = 0; t < PROMPT; t++) {
      double expected = 0;
      for (double[] head : heads) {
        expected += head[t];
      }
      assertThat((double) seen[t]).isCloseTo(expected, Offset.offset(1e-3));
    }
    assertThat(state.restart()).hasSize(PROMPT / 2 + 1).startsWith(0, 1).endsWith(PROMPT - 1);
    assertThat(state.restart()).isNull();
    assertThat(row.promptTokens()).isEqualTo(PROMPT / 2 + 1);
    assertThat(state.stats("w").kvBytes()).isZero();
  }

  @Test
  void tokenWhoseLogitsAreWantedStays() {
    DepthPolicy policy = policy("pyramid:keep=0.1,min-length=0");
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    RowContext row = new RowContext(99, PROMPT, 1);
    SequenceState state = new SequenceState(CONFIG, new KvPages(CONFIG), policy, row, false);
    Step step = new Step();
    for (int p = 0; p < PROMPT; p++) {
      step.add(state, TOKENS[p], p, true, p % 10 == 9);
    }
    model.forward(step, new Activations(CONFIG, KERNELS));
    assertThat(state.stats("p").exitLayerHistogram().get(LAYERS)).isEqualTo(5);
    assertThat(state.kvEntries(LAYERS - 1)).isBetween(10, 30);
  }
}
