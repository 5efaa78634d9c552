package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.LayerSubset;
import dev.nightjar.engine.depth.RandomSkip;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Branches of a sequence: each goes on as if it had computed everything itself. */
class TestForks {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final int PROMPT = 37;
  private static final int TOTAL = 60;

  private final KvPages pages = new KvPages(CONFIG);
  private final Activations act = new Activations(CONFIG, KERNELS);
  private final Step step = new Step();

  static Stream<DepthPolicy> policies() {
    return Stream.of(
        DepthPolicy.full(),
        DepthPolicy.named("unified").with(new LayerSubset(LayerSubset.unified(6, 0.5), false)),
        DepthPolicy.named("random").with(new RandomSkip(RandomSkip.uniformRates(6, 0.6), 5)),
        DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f)),
        TinyModels.exit(CONFIG, 0.3f, false, 2, 4),
        TinyModels.exit(CONFIG, 0.3f, true, 2, 4));
  }

  private static int[] tokens(long seed) {
    int[] tokens = new Random(3).ints(TOTAL, 0, 256).toArray();
    int[] own = new Random(seed).ints(TOTAL, 0, 256).toArray();
    System.arraycopy(own, 0, tokens, PROMPT, TOTAL - PROMPT);
    return tokens;
  }

  private SequenceState state(DepthPolicy policy) {
    RowContext row = new RowContext(99, PROMPT, TOTAL - PROMPT);
    return new SequenceState(CONFIG, pages, policy, row, true);
  }

  private float[] run(LlamaModel model, SequenceState state, int[] tokens, int from, int to) {
    float[] last = null;
    for (int p = from; p < to; p++) {
      step.clear();
      step.add(state, tokens[p], p, p < PROMPT, p >= PROMPT - 1);
      model.forward(step, act);
      last = Arrays.copyOf(act.logits(), CONFIG.vocabSize());
    }
    return last;
  }

  @ParameterizedTest
  @MethodSource("policies")
  void branchesAndTheirOriginGoOnAsIfEachHadRunAlone(DepthPolicy policy) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    for (int at : new int[] {PROMPT, PROMPT + 4, 48}) {
      SequenceState origin = state(policy);
      run(model, origin, tokens(0), 0, at);
      SequenceState[] all = {origin.fork(), origin, origin.fork()};
      for (int seed = 0; seed < all.length; seed++) {
        int[] own = tokens(0);
        System.arraycopy(tokens(seed), at, own, at, TOTAL - at);
        SequenceState alone = state(policy);
        float[] expected = run(model, alone, own, 0, TOTAL);
        assertThat(run(model, all[seed], own, at, TOTAL)).isEqualTo(expected);
        assertThat(Traces.of(all[seed])).isEqualTo(Traces.of(alone));
        ComputeStats stats = all[seed].stats("p");
        ComputeStats expectedStats = alone.stats("p");
        assertThat(stats.flopsFull() + headFlops(seed == 1 ? 0 : at - PROMPT + 1))
            .isEqualTo(expectedStats.flopsFull());
        assertThat(stats.kvBytes()).isEqualTo(expectedStats.kvBytes());
        assertThat(stats.kvBytesFull()).isEqualTo(expectedStats.kvBytesFull());
        alone.release();
      }
      assertThat(all[0].cachedSlots()).isEqualTo(at);
      assertThat(origin.cachedSlots()).isZero();
      for (SequenceState state : all) {
        state.release();
      }
      assertThat(pages.pool().bytesInUse()).isZero();
    }
  }

  private static double headFlops(int slots) {
    return 2.0 * slots * CONFIG.headMacs();
  }

  @ParameterizedTest
  @MethodSource("policies")
  void branchCountsItsOwnWorkAndCanBeJoined(DepthPolicy policy) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    int at = PROMPT + 3;
    SequenceState origin = state(policy);
    run(model, origin, tokens(0), 0, at);
    SequenceState branch = origin.fork();
    run(model, branch, tokens(0), at, TOTAL);
    ComputeStats own = branch.stats("p");
    boolean deferring = policy.exit() != null && policy.exit().keysValues().deferred();
    if (!deferring) {
      assertThat(own.layersExecuted() + own.layersSkipped() + own.layersExited())
          .isEqualTo((long) CONFIG.numLayers() * (TOTAL - at));
    }
    assertThat(own.layersExecutedPrefill() + own.layersSkippedPrefill()).isZero();
    origin.join(branch);
    SequenceState alone = state(policy);
    run(model, alone, tokens(0), 0, TOTAL);
    ComputeStats joined = origin.stats("p");
    ComputeStats expected = alone.stats("p");
    assertThat(joined.flops()).isEqualTo(expected.flops());
    assertThat(joined.flopsFull()).isEqualTo(expected.flopsFull());
    assertThat(joined.layersExecuted()).isEqualTo(expected.layersExecuted());
    assertThat(joined.layerExecutions()).isEqualTo(expected.layerExecutions());
    assertThat(joined.exitLayerHistogram()).isEqualTo(expected.exitLayerHistogram());
  }

  @Test
  void fullPagesAreSharedAndAPartlyFilledOneIsCopied() {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
    SequenceState origin = state(DepthPolicy.full());
    run(model, origin, tokens(0), 0, PROMPT);
    long page = pages.pool().worstCaseBytes(1);
    assertThat(pages.pool().bytesInUse()).isEqualTo(3 * page);
    SequenceState branch = origin.fork();
    assertThat(pages.pool().bytesInUse()).isEqualTo(3 * page);
    run(model, branch, tokens(1), PROMPT, PROMPT + 1);
    assertThat(pages.pool().bytesInUse()).isEqualTo(4 * page);
    origin.release();
    assertThat(pages.pool().bytesInUse()).isEqualTo(3 * page);
    branch.release();
    assertThat(pages.pool().bytesInUse()).isZero();
  }

  @Test
  void whatABranchReadsIsNotWrittenOverWhenItsOriginTakesEntriesBack() {
    Random random = new Random(5);
    int kvDim = CONFIG.kvDim();
    KvCache origin = new KvCache(1, pages, false);
    float[] entry = new float[kvDim];
    for (int i = 0; i < 21; i++) {
      Arrays.fill(entry, i);
      origin.append(0, i, entry, entry, 0);
    }
    KvCache branch = origin.fork();
    origin.truncate(0, 18);
    Arrays.fill(entry, random.nextFloat());
    origin.append(0, 18, entry, entry, 0);
    for (int i = 0; i < 21; i++) {
      assertThat(firstOfKey(branch, i)).isEqualTo(i);
    }
    assertThat(firstOfKey(origin, 18)).isEqualTo(entry[0]);
    branch.truncate(0, 17);
    branch.append(0, 17, new float[kvDim], new float[kvDim], 0);
    assertThat(firstOfKey(branch, 16)).isEqualTo(16);
    assertThat(firstOfKey(branch, 17)).isZero();
    assertThat(firstOfKey(origin, 17)).isEqualTo(17);
    origin.release();
    branch.release();
    assertThat(pages.pool().bytesInUse()).isZero();
  }

  private static float firstOfKey(KvCache cache, int entry) {
    float[] keys = new float[CONFIG.headDim() * Kernels.PAGE];
    cache.layout().readKeys(cache.pages(0)[entry / Kernels.PAGE], 0, keys);
    return keys[entry % Kernels.PAGE];
  }
}
