package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.LayerSubset;
import dev.nightjar.engine.depth.MaskReplay;
import dev.nightjar.engine.depth.RandomSkip;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.ScalarKernels;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Invariants of the forward pass under every policy. */
class TestForwardPass {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final int PROMPT = 37;
  private static final int TOTAL = 45;
  private static final int[] TOKENS = new Random(3).ints(TOTAL, 0, 256).toArray();

  private static SequenceState state(DepthPolicy policy, boolean traced) {
    RowContext row = new RowContext(99, PROMPT, TOTAL - PROMPT);
    return new SequenceState(CONFIG, new KvPages(CONFIG), policy, row, traced);
  }

  private static DepthPolicy gated(float threshold) {
    return DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, threshold));
  }

  private static TinyRun run(DepthPolicy policy, int chunk) {
    return TinyRun.of(CONFIG, KERNELS, policy, TOKENS, PROMPT, chunk);
  }

  static Stream<DepthPolicy> policies() {
    return Stream.of(
        DepthPolicy.full(),
        DepthPolicy.named("unified").with(new LayerSubset(LayerSubset.unified(6, 0.5), false)),
        DepthPolicy.named("unified-published")
            .with(new LayerSubset(LayerSubset.unified(6, 0.5), true)),
        DepthPolicy.named("random").with(new RandomSkip(RandomSkip.uniformRates(6, 0.6), 5)),
        gated(0f),
        TinyModels.exit(CONFIG, 0.3f, false, 2, 4));
  }

  static Stream<DepthPolicy> neutralPolicies() {
    return Stream.of(
        DepthPolicy.named("unified").with(new LayerSubset(LayerSubset.unified(6, 1.0), false)),
        DepthPolicy.named("random").with(new RandomSkip(RandomSkip.uniformRates(6, 1.0), 5)),
        gated(Float.NEGATIVE_INFINITY),
        TinyModels.exit(CONFIG, 1.5f, false, 2, 4),
        TinyModels.exit(CONFIG, 1.5f, true, 2, 4));
  }

  private static BitSet bits(int... set) {
    BitSet out = new BitSet();
    Arrays.stream(set).forEach(out::set);
    return out;
  }

  @ParameterizedTest
  @MethodSource("neutralPolicies")
  void policyThatAlwaysExecutesEqualsFullDepthBitForBit(DepthPolicy policy) {
    assertSameBits(run(policy, 16).logits(), run(DepthPolicy.full(), 16).logits());
  }

  @ParameterizedTest
  @MethodSource("policies")
  void promptChunkSizeDoesNotChangeABit(DepthPolicy policy) {
    TinyRun whole = run(policy, PROMPT);
    for (int chunk : new int[] {1, 5, 16}) {
      TinyRun chunked = run(policy, chunk);
      assertSameBits(chunked.logits(), whole.logits());
      assertThat(Traces.of(chunked.state())).isEqualTo(Traces.of(whole.state()));
      assertThat(chunked.state().stats("p")).isEqualTo(whole.state().stats("p"));
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void scalarAndVectorKernelsGiveTheSameBits(DepthPolicy policy) {
    Kernels scalar = new ScalarKernels();
    float[][] vector = run(policy, 16).logits();
    DepthPolicy scalarPolicy =
        policy.gate() != null
            ? DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, scalar, 0f))
            : policy;
    LlamaModel model = TinyModels.model(CONFIG, scalar, scalarPolicy);
    SequenceState state = state(scalarPolicy, false);
    Activations act = new Activations(CONFIG, scalar);
    Step step = new Step();
    for (int p = 0; p < TOTAL; p++) {
      step.clear();
      step.add(state, TOKENS[p], p, p < PROMPT, p >= PROMPT - 1);
      model.forward(step, act);
      if (p >= PROMPT - 1) {
        assertSameBits(
            new float[][] {Arrays.copyOf(act.logits(), CONFIG.vocabSize())},
            new float[][] {vector[p - PROMPT + 1]});
      }
    }
  }

  @Test
  void recordedGateDecisionsReplayThroughTheScheduleToTheSameBits() {
    TinyRun gated = run(gated(0f), 16);
    List<BitSet> trace = Traces.of(gated.state());
    assertThat(trace.stream().mapToInt(BitSet::cardinality).sum()).isBetween(TOTAL * 3, TOTAL * 5);
    assertSameBits(
        run(DepthPolicy.named("replay").with(new MaskReplay(trace)), 7).logits(), gated.logits());
  }

  @Test
  void packedKeysAndValuesEqualMaskedDenseAttention() {
    TinyRun gated = run(gated(0f), 16);
    double[][] expected =
        MaskedDense.logits(CONFIG, TinyModels.source(CONFIG, 7), TOKENS, Traces.of(gated.state()));
    for (int p = PROMPT - 1; p < TOTAL; p++) {
      float[] actual = gated.logits()[p - PROMPT + 1];
      double max = Arrays.stream(expected[p]).map(Math::abs).max().orElseThrow();
      for (int v = 0; v < actual.length; v++) {
        assertThat((double) actual[v])
            .isCloseTo(expected[p][v], org.assertj.core.data.Offset.offset(1e-4 * max));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void countersEqualTheClosedForm(DepthPolicy policy) {
    SequenceState state = run(policy, 16).state();
    ComputeStats stats = state.stats(policy.spec());
    int layers = CONFIG.numLayers();
    int produced = TOTAL - PROMPT + 1;
    assertThat(stats.layersExecuted() + stats.layersSkipped() + stats.layersExited())
        .isEqualTo((long) layers * produced);
    assertThat(stats.layersExecutedPrefill() + stats.layersSkippedPrefill())
        .isEqualTo((long) layers * (PROMPT - 1));
    assertThat(stats.exitLayerHistogram().stream().mapToInt(i -> i).sum()).isEqualTo(produced);
    assertThat(stats.layerExecutions().stream().mapToLong(i -> i).sum())
        .isEqualTo(stats.layersExecuted() + stats.layersExecutedPrefill());
    assertThat(stats.flops()).isEqualTo(2.0 * macsOf(policy, state));
    assertThat(stats.flopsFull())
        .isEqualTo(2.0 * macsOf(DepthPolicy.full(), run(DepthPolicy.full(), 16).state()));
    assertThat(stats.kvBytesFull()).isEqualTo(8L * CONFIG.kvDim() * layers * TOTAL);
    long entries = 0;
    for (int layer = 0; layer < layers; layer++) {
      entries += state.kvEntries(layer);
    }
    assertThat(stats.kvBytes()).isEqualTo(entries * 8L * CONFIG.kvDim());
  }

  /** Multiply-adds from the recorded layers alone, written from the definition. */
  private static long macsOf(DepthPolicy policy, SequenceState state) {
    long macs = 0;
    int[] entries = new int[CONFIG.numLayers()];
    for (int p = 0; p < TOTAL; p++) {
      BitSet ran = Traces.of(state).get(p);
      boolean exitable = policy.exit() != null && p >= PROMPT;
      int left =
          exitable && ran.cardinality() < CONFIG.numLayers()
              ? ran.cardinality()
              : CONFIG.numLayers();
      for (int layer = 0; layer < CONFIG.numLayers(); layer++) {
        if (policy.gate() != null && policy.gate().gates(layer)) {
          macs += policy.gate().macs(layer);
        }
        if (ran.get(layer)) {
          entries[layer]++;
          macs += CONFIG.layerMacs() + 2L * entries[layer] * CONFIG.queryDim();
        } else if (layer >= left) {
          entries[layer]++;
          macs += CONFIG.kvProjectionMacs();
        }
        if (exitable && policy.exit().probes(layer + 1) && layer + 1 <= left) {
          macs += CONFIG.headMacs();
        }
      }
      if (p >= PROMPT - 1 && left == CONFIG.numLayers()) {
        macs += CONFIG.headMacs();
      }
    }
    return macs;
  }

  @ParameterizedTest
  @MethodSource("policies")
  void keysAndValuesAreHeldExactlyWhereLayersRanOrWereProjected(DepthPolicy policy) {
    SequenceState state = run(policy, 16).state();
    for (int layer = 0; layer < CONFIG.numLayers(); layer++) {
      int expected = 0;
      for (BitSet ran : Traces.of(state)) {
        expected += ran.get(layer) || policy.exit() != null ? 1 : 0;
      }
      assertThat(state.kvEntries(layer)).isEqualTo(expected);
    }
  }

  @Test
  void exitThresholdZeroLeavesAtTheFirstProbeForEveryGeneratedToken() {
    TinyRun run = run(TinyModels.exit(CONFIG, 0f, false, 3, 5), 16);
    ComputeStats stats = run.state().stats("exit");
    assertThat(stats.exitLayerHistogram().get(3)).isEqualTo(TOTAL - PROMPT);
    assertThat(stats.exitLayerHistogram().get(6)).isEqualTo(1);
    assertThat(stats.earlyExitTokens()).isEqualTo(TOTAL - PROMPT);
  }

  @Test
  void deferredTokensGoOnWithALaterOneAsIfTheyHadNeverLeft() {
    DepthPolicy policy = TinyModels.exit(CONFIG, 0.5f, true, 2, 4);
    TinyRun run = run(policy, 16);
    float[][] dense = run(DepthPolicy.full(), 16).logits();
    ComputeStats stats = run.state().stats("exit");
    int through = 0;
    for (int i = 0; i < dense.length; i++) {
      if (Arrays.equals(run.logits()[i], dense[i])) {
        through++;
      }
    }
    assertThat(stats.earlyExitTokens()).isPositive();
    assertThat(through).isEqualTo(stats.exitLayerHistogram().get(6)).isGreaterThan(1);
    long waiting = 0;
    for (int layer = 0; layer < 6; layer++) {
      waiting += TOTAL - run.state().kvEntries(layer);
    }
    assertThat(stats.layersExited()).isEqualTo(waiting);
    assertThat(stats.layersExecuted() + waiting).isEqualTo(6L * (TOTAL - PROMPT + 1));
    assertThat(run(policy, 3).state().stats("exit")).isEqualTo(stats);
  }

  @Test
  void atMostTheLimitOfTokensIsDeferred() {
    TinyRun run = run(TinyModels.exit(CONFIG, 0f, true, 3), 16);
    ComputeStats stats = run.state().stats("exit");
    assertThat(stats.exitLayerHistogram().get(3)).isEqualTo(7);
    assertThat(stats.exitLayerHistogram().get(6)).isEqualTo(2);
    assertThat(run.state().kvEntries(5)).isEqualTo(TOTAL - 2);
  }

  @Test
  void firstPositionsRunEveryGatedLayer() {
    List<BitSet> trace = Traces.of(run(gated(Float.POSITIVE_INFINITY), 16).state());
    for (int p = 0; p < TOTAL; p++) {
      assertThat(trace.get(p).cardinality()).isEqualTo(p < 2 ? 6 : 2);
    }
  }

  private static void assertSameBits(float[][] actual, float[][] expected) {
    assertThat(actual.length).isEqualTo(expected.length);
    for (int i = 0; i < actual.length; i++) {
      for (int j = 0; j < actual[i].length; j++) {
        if (Float.floatToRawIntBits(actual[i][j]) != Float.floatToRawIntBits(expected[i][j])) {
          throw new AssertionError(
              "row "
                  + i
                  + " element "
                  + j
                  + ": "
                  + actual[i][j]
                  + " is not the same float as "
                  + expected[i][j]);
        }
      }
    }
  }
}
