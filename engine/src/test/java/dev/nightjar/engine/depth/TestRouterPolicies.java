package dev.nightjar.engine.depth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.ScalarKernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.SublayerDense;
import dev.nightjar.engine.model.TinyModels;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Invariants of one sequence under routers, gates, paths and masks read from artefacts. */
class TestRouterPolicies {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = PolicyRun.CONFIG;
  private static final int LAYERS = CONFIG.numLayers();

  @TempDir private static Path folder;
  private static String skipGpt;
  private static String skipGptHidden;
  private static String gatesProject;
  private static String gatesAbsent;
  private static String drLlm;
  private static String rowMask;

  /**
   * A policy and what it should cost.
   *
   * @param gated first gated layer
   * @param gateMacs multiply-adds of deciding one cell from there on
   * @param planMacs multiply-adds of looking at the prompt
   */
  private record Case(String spec, int gated, long gateMacs, long planMacs) {
    DepthPolicy policy(Kernels kernels) {
      return ArtefactFolder.load(spec, CONFIG, kernels);
    }

    /** The policy and its options. */
    @Override
    public String toString() {
      return spec.replace("artefact=" + folder, "");
    }
  }

  @BeforeAll
  static void writeArtefacts() {
    skipGpt = TinyRouters.skipGpt(folder.resolve("linear"), CONFIG, 0).write();
    skipGptHidden = TinyRouters.skipGpt(folder.resolve("hidden"), CONFIG, 12).write();
    gatesProject = TinyRouters.gates(folder.resolve("project"), CONFIG, "project").write();
    gatesAbsent = TinyRouters.gates(folder.resolve("absent"), CONFIG, "absent").write();
    drLlm = TinyRouters.drLlm(folder.resolve("drllm"), CONFIG).write();
    rowMask = TinyRouters.rowMask(folder.resolve("rowmask"), CONFIG).write();
  }

  static Stream<Case> policies() {
    long path = (LAYERS - 1) * (32L * 48 + 8 * (12 * 48 + 3 * 12));
    return Stream.of(
        new Case(skipGpt, 1, 2 * 2 * 48, 0),
        new Case(skipGpt + ",budget=0.8", 1, 2 * 2 * 48, 0),
        new Case(skipGptHidden, 1, 2 * (12 * 48 + 2 * 12), 0),
        new Case(gatesProject, 2, 48, 0),
        new Case(gatesAbsent, 2, 48, 0),
        new Case(drLlm, LAYERS, 0, path),
        new Case(drLlm + ",bias=0.8", LAYERS, 0, path),
        new Case(drLlm + ",repeat=false", LAYERS, 0, path),
        new Case(rowMask, LAYERS, 0, 3 * 48),
        new Case(rowMask + ",margin=-50", LAYERS, 0, 3 * 48));
  }

  static Stream<String> neutralPolicies() {
    return Stream.of(
        skipGpt + ",threshold=1000000",
        skipGptHidden + ",threshold=1000000",
        gatesProject + ",threshold=-1000000",
        gatesAbsent + ",threshold=-1000000",
        drLlm + ",bias=0",
        drLlm + ",bias=0,repeat=false",
        rowMask + ",margin=1000000");
  }

  private static PolicyRun run(Case policy, int chunk) {
    return PolicyRun.of(policy.policy(KERNELS), KERNELS, chunk);
  }

  @ParameterizedTest
  @MethodSource("neutralPolicies")
  void policyThatAlwaysExecutesEqualsFullDepthBitForBit(String spec) {
    int[][] full = PolicyRun.of(DepthPolicy.full(), KERNELS, PolicyRun.PROMPT).bits();
    DepthPolicy policy = ArtefactFolder.load(spec, CONFIG, KERNELS);
    assertThat(PolicyRun.of(policy, KERNELS, PolicyRun.PROMPT).bits()).isDeepEqualTo(full);
  }

  @Test
  void routersThatFavourExecutionByFarEqualFullDepthBitForBit() {
    ArtefactFolder skip = TinyRouters.skipGpt(folder.resolve("open"), CONFIG, 0);
    ArtefactFolder path = TinyRouters.drLlm(folder.resolve("open-path"), CONFIG);
    for (int layer = 1; layer < LAYERS; layer++) {
      for (String sublayer : List.of("attention", "feed_forward")) {
        skip.tensor(
            "layers." + layer + "." + sublayer + "_router.0.bias", new float[] {1e9f, 0}, 2);
      }
      path.tensor("layers." + layer + ".router.1.bias", new float[] {0, 1e9f, 0}, 3);
    }
    int[][] full = PolicyRun.of(DepthPolicy.full(), KERNELS, PolicyRun.PROMPT).bits();
    for (String spec : List.of(skip.write(), path.write())) {
      DepthPolicy policy = ArtefactFolder.load(spec, CONFIG, KERNELS);
      assertThat(PolicyRun.of(policy, KERNELS, PolicyRun.PROMPT).bits()).isDeepEqualTo(full);
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void promptChunkSizeDoesNotChangeABit(Case policy) {
    PolicyRun whole = run(policy, PolicyRun.PROMPT);
    if (policy.policy(KERNELS).wholePrompt()) {
      return; // the scheduler never cuts these prompts
    }
    for (int chunk : new int[] {1, 5, 16}) {
      PolicyRun chunked = run(policy, chunk);
      assertThat(chunked.bits()).isDeepEqualTo(whole.bits());
      assertThat(chunked.cells()).isDeepEqualTo(whole.cells());
      assertThat(chunked.state().stats("p")).isEqualTo(whole.state().stats("p"));
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void scalarAndVectorKernelsGiveTheSameBits(Case policy) {
    Kernels scalar = new ScalarKernels();
    PolicyRun plain = PolicyRun.of(policy.policy(scalar), scalar, PolicyRun.PROMPT);
    assertThat(plain.bits()).isDeepEqualTo(run(policy, PolicyRun.PROMPT).bits());
  }

  @ParameterizedTest
  @MethodSource("policies")
  void decisionsAreMixedSoThatTheTestsSeeAllOfThem(Case policy) {
    PolicyRun run = run(policy, PolicyRun.PROMPT);
    assertThat(run.count(Cells.LAYER)).isPositive();
    if (policy.spec().equals(skipGpt) || policy.spec().equals(skipGptHidden)) {
      assertThat(run.count(Cells.SKIP)).isPositive();
      assertThat(run.count(Cells.ATTENTION)).isPositive();
      assertThat(run.count(Cells.FEED_FORWARD)).isPositive();
    } else if (policy.spec().contains("bias=0.8")) {
      assertThat(run.count(Cells.TWICE)).isPositive();
    } else if (!policy.spec().contains("budget")) {
      assertThat(run.count(Cells.SKIP)).isPositive();
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void packedKeysAndValuesEqualMaskedDenseAttention(Case policy) {
    PolicyRun run = run(policy, PolicyRun.PROMPT);
    double[][] expected =
        SublayerDense.logits(
            CONFIG,
            TinyModels.source(CONFIG, 7),
            PolicyRun.TOKENS,
            run.cells(),
            policy.policy(KERNELS).projects());
    for (int p = PolicyRun.PROMPT - 1; p < PolicyRun.TOTAL; p++) {
      float[] actual = run.logits()[p - PolicyRun.PROMPT + 1];
      double max = Arrays.stream(expected[p]).map(Math::abs).max().orElseThrow();
      for (int v = 0; v < actual.length; v++) {
        assertThat((double) actual[v]).isCloseTo(expected[p][v], within(1e-4 * max));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void countersAndKeysAndValuesEqualTheClosedForm(Case policy) {
    PolicyRun run = run(policy, PolicyRun.PROMPT);
    boolean projects = policy.policy(KERNELS).projects();
    boolean repeats = policy.policy(KERNELS).repeats();
    assertThat(projects).isEqualTo(!policy.spec().matches("(drllm|rowmask).*|gates.*absent.*"));
    assertThat(repeats).isEqualTo(policy.spec().matches("drllm(?!.*repeat=false).*"));
    int[] entries = new int[2 * LAYERS];
    int produced = PolicyRun.TOTAL - PolicyRun.PROMPT + 1;
    long macs = policy.planMacs() + produced * CONFIG.headMacs();
    for (byte[] cells : run.cells()) {
      for (int layer = 0; layer < LAYERS; layer++) {
        macs += layer >= policy.gated() ? policy.gateMacs() : 0;
        if (Cells.attends(cells[layer])) {
          entries[layer]++;
          macs += CONFIG.attentionMacs() + 2L * entries[layer] * CONFIG.queryDim();
        } else if (projects) {
          entries[layer]++;
          macs += CONFIG.kvProjectionMacs();
        }
        macs += Cells.feeds(cells[layer]) ? CONFIG.feedForwardMacs() : 0;
        if (Cells.repeats(cells[layer])) {
          entries[LAYERS + layer]++;
          macs += CONFIG.layerMacs() + 2L * entries[LAYERS + layer] * CONFIG.queryDim();
        }
      }
    }
    ComputeStats stats = run.state().stats("p");
    assertThat(stats.flops()).isEqualTo(2.0 * macs);
    assertThat(stats.flopsFull())
        .isEqualTo(
            PolicyRun.of(DepthPolicy.full(), KERNELS, PolicyRun.PROMPT)
                .state()
                .stats("full")
                .flops());
    for (int layer = 0; layer < (repeats ? 2 * LAYERS : LAYERS); layer++) {
      assertThat(run.state().kvEntries(layer)).as("layer " + layer).isEqualTo(entries[layer]);
    }
    long held = Arrays.stream(entries).sum();
    assertThat(stats.kvBytes()).isEqualTo(held * 8L * CONFIG.kvDim());
    assertThat(stats.layersSkipped() + stats.layersSkippedPrefill())
        .isEqualTo(run.count(Cells.SKIP));
    assertThat(stats.attnSkipped()).isEqualTo(run.count(Cells.FEED_FORWARD));
    assertThat(stats.mlpSkipped()).isEqualTo(run.count(Cells.ATTENTION));
    assertThat(stats.layerExecutions().stream().mapToLong(i -> i).sum())
        .isEqualTo(
            (long) LAYERS * PolicyRun.TOTAL - run.count(Cells.SKIP) + run.count(Cells.TWICE));
  }
}
