package dev.nightjar.engine.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.DraftPlan;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rounds of drafts on the forward pass, with given tokens and any number of them accepted. */
class TestDrafts {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(256);
  private static final int LAYERS = CONFIG.numLayers();
  private static final int PROMPT = 29;
  private static final int TOTAL = 75;
  private static final int[] TOKENS = new Random(3).ints(TOTAL + 16, 0, 256).toArray();

  private final LlamaModel model = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
  private final Activations act = new Activations(CONFIG, KERNELS);
  private final Step step = new Step();
  private final KvPages pages = new KvPages(CONFIG);
  private final SequenceState state = state(pages);

  private static SequenceState state(KvPages pages) {
    RowContext row = new RowContext(99, PROMPT, TOTAL - PROMPT);
    return new SequenceState(CONFIG, pages, DepthPolicy.full(), row, true);
  }

  private static void prefill(LlamaModel model, SequenceState state, Activations act) {
    Step step = new Step();
    for (int p = 0; p < PROMPT; p++) {
      step.add(state, TOKENS[p], p, true, p == PROMPT - 1);
    }
    model.forward(step, act);
  }

  /** A round that drafts {@code drafts} slots and verifies {@code verified}. */
  private float[] round(DraftPlan plan, int first, int drafts, int verified) {
    for (int i = 0; i < drafts; i++) {
      step.clear();
      step.draft(state, TOKENS[first + i], first + i, plan);
      model.draft(step, act);
    }
    step.clear();
    step.verify(state, Arrays.copyOfRange(TOKENS, first, first + verified), verified, first);
    model.forward(step, act);
    return act.logits();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void anyDraftAndAnyAcceptanceLeaveWhatPlainDecodingLeaves(long seed) {
    Random random = new Random(seed);
    KvPages plainPages = new KvPages(CONFIG);
    SequenceState plain = state(plainPages);
    Activations plainAct = new Activations(CONFIG, KERNELS);
    prefill(model, plain, plainAct);
    prefill(model, state, act);
    int position = PROMPT;
    while (position < TOTAL) {
      BitSet attention = sparse(random);
      BitSet feedForward = sparse(random);
      DraftPlan plan =
          random.nextInt(3) == 0
              ? DraftPlan.exit(LAYERS, 1 + random.nextInt(LAYERS))
              : DraftPlan.without(LAYERS, attention, feedForward);
      int drafts = random.nextInt(8);
      int verified = Math.max(1, drafts + random.nextInt(2));
      int accepted = Math.min(1 + random.nextInt(verified), TOTAL - position);
      float[] logits = round(plan, position, drafts, verified);
      for (int i = 0; i < accepted; i++) {
        step(plain, plainAct, position + i);
        int v = CONFIG.vocabSize();
        assertThat(Arrays.copyOfRange(logits, i * v, (i + 1) * v))
            .isEqualTo(Arrays.copyOf(plainAct.logits(), v));
      }
      state.accept(position, accepted, verified - 1, accepted - 1);
      position += accepted;
      for (int layer = 0; layer < LAYERS; layer++) {
        assertThat(state.kvEntries(layer)).isEqualTo(position);
      }
      assertThat(pages.pool().bytesInUse()).isEqualTo(plainPages.pool().bytesInUse());
    }
    assertThat(Traces.of(state)).isEqualTo(Traces.of(plain));
    assertThat(state.stats("").layerExecutions()).isEqualTo(plain.stats("").layerExecutions());
    assertThat(state.stats("").exitLayerHistogram())
        .isEqualTo(plain.stats("").exitLayerHistogram());
    assertThat(state.stats("").flopsFull()).isEqualTo(plain.stats("").flops());
    state.release();
    assertThat(pages.pool().bytesInUse()).isZero();
  }

  private void step(SequenceState plain, Activations plainAct, int position) {
    Step one = new Step();
    one.add(plain, TOKENS[position], position, false, true);
    model.forward(one, plainAct);
  }

  private static long slotMacs(int position) {
    return LAYERS * (CONFIG.layerMacs() + 2L * (position + 1) * CONFIG.queryDim());
  }

  @Test
  void draftFromTheFirstLayersCostsTheRefusedSlotsAndTheHeads() {
    prefill(model, state, act);
    double before = state.stats("").flops();
    round(DraftPlan.exit(LAYERS, 2), PROMPT, 3, 4);
    state.accept(PROMPT, 2, 3, 1);
    long expected = 0;
    for (int i = 0; i < 4; i++) {
      expected += slotMacs(PROMPT + i) + CONFIG.headMacs();
    }
    expected += 3 * CONFIG.headMacs();
    assertThat(state.stats("").flops() - before).isEqualTo(2.0 * expected);
    assertThat(state.stats("").draftedTokens()).isEqualTo(3);
    assertThat(state.stats("").acceptedTokens()).isEqualTo(1);
    assertThat(state.stats("").layersExecuted()).isEqualTo(3L * LAYERS);
  }

  @Test
  void draftWithoutSublayersCostsWhatItRanAndAllOfTheVerificationAboveTheFirstOne() {
    prefill(model, state, act);
    double before = state.stats("").flops();
    BitSet skipped = new BitSet();
    skipped.set(2);
    round(DraftPlan.without(LAYERS, skipped, new BitSet()), PROMPT, 2, 3);
    state.accept(PROMPT, 3, 2, 2);
    long expected = slotMacs(PROMPT + 2) + CONFIG.headMacs();
    for (int i = 0; i < 2; i++) {
      long attention = CONFIG.attentionMacs() + 2L * (PROMPT + i + 1) * CONFIG.queryDim();
      long draft = slotMacs(PROMPT + i) - attention;
      long above = slotMacs(PROMPT + i) / LAYERS * (LAYERS - 2);
      expected += draft + above + 2 * CONFIG.headMacs();
    }
    assertThat(state.stats("").flops() - before).isEqualTo(2.0 * expected);
  }

  @Test
  void shadowTokensAreWhatTheHeadSaysAtTheExits() {
    prefill(model, state, act);
    int[] exits = {1, 3, LAYERS};
    state.watch(exits, PROMPT);
    float[] logits = round(DraftPlan.exit(LAYERS, 3), PROMPT, 2, 3);
    int[] last = new int[3];
    for (int i = 0; i < 3; i++) {
      last[i] = KERNELS.argmax(logits, i * CONFIG.vocabSize(), CONFIG.vocabSize());
    }
    assertThat(model.matches(state, 2, last, 0, 3, act)).isEqualTo(3);
    for (int e = 0; e < 2; e++) {
      float[] residuals = new float[3 * CONFIG.hiddenSize()];
      state.shadows.read(e, 3, residuals);
      float[] out = new float[3 * CONFIG.vocabSize()];
      model.headLogits(residuals, 3, out);
      int[] shadow = new int[3];
      for (int i = 0; i < 3; i++) {
        shadow[i] = KERNELS.argmax(out, i * CONFIG.vocabSize(), CONFIG.vocabSize());
      }
      assertThat(model.matches(state, e, shadow, 0, 3, act)).isEqualTo(3);
      shadow[1]++;
      assertThat(model.matches(state, e, shadow, 0, 3, act)).isEqualTo(2);
    }
    state.accept(PROMPT, 3, 2, 2);
  }

  /** A quarter of six layers on average. */
  private static BitSet sparse(Random random) {
    int half = random.nextInt(64);
    return BitSet.valueOf(new long[] {half & random.nextInt(64)});
  }
}
