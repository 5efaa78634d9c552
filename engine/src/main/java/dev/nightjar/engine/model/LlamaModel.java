package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Cells;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.FeedForwardRule;
import dev.nightjar.engine.depth.SkipOperation;
import dev.nightjar.engine.kernel.Kernels;
import java.util.Arrays;

/**
 * The one forward pass. A step walks the layers; in each one the policy says what it does for each
 * slot, the residuals of those that run are gathered into a dense panel, computed and scattered
 * back. What a layer does not run costs nothing and leaves no keys and values, unless the policy
 * wants them computed from the residual that passed by.
 *
 * <p>Every slot's result is independent of the other sequences of the step. Immutable and safe for
 * concurrent use with one {@link Activations} per thread.
 */
public final class LlamaModel {
  private final ModelConfig config;
  private final DepthPolicy policy;
  private final Kernels kernels;
  private final LayerMath math;
  private final Chooser chooser;
  private final Exits exits;
  private final Pruner pruner;
  private final Selector selector;

  /** A model over loaded weights that runs under one depth policy. */
  public LlamaModel(ModelWeights weights, Kernels kernels, DepthPolicy policy) {
    this(new LayerMath(weights, kernels), weights.config(), kernels, policy);
  }

  private LlamaModel(LayerMath math, ModelConfig config, Kernels kernels, DepthPolicy policy) {
    this.config = config;
    this.policy = policy;
    this.kernels = kernels;
    this.math = math;
    this.chooser = new Chooser(policy, config);
    this.exits = policy.exit() == null ? null : new Exits(policy.exit(), math, config, kernels);
    this.pruner = policy.pruning() == null ? null : new Pruner(policy.pruning(), math);
    this.selector = policy.filter() == null ? null : new Selector(policy.filter(), math, config);
  }

  /** The same weights, every layer for every token. */
  public LlamaModel atFullDepth() {
    return new LlamaModel(math, config, kernels, DepthPolicy.full());
  }

  /** The architecture. */
  public ModelConfig config() {
    return config;
  }

  /** The policy that every step runs under. */
  public DepthPolicy policy() {
    return policy;
  }

  /**
   * Runs one step; the producing slots' logits are in {@link Activations#logits()} afterwards, in
   * slot order.
   */
  public void forward(Step step, Activations act) {
    act.ensure(step.size, step.numProducing, maxPosition(step) + 1);
    enter(step, act);
    for (int layer = 0; layer < config.numLayers(); layer++) {
      if (act.trace != null) {
        act.trace.entering(layer, act.residual, step.size);
      }
      if (exits != null) {
        exits.before(layer, step, act);
      }
      if (selector != null) {
        selector.select(layer, step, act);
      }
      chooser.choose(layer, step, act);
      run(layer, step, act);
      count(layer, step, act);
      shadow(layer, step, act);
      if (pruner != null) {
        pruner.prune(layer, step, act);
      }
      if (exits != null) {
        exits.probe(layer + 1, step, act);
      }
    }
    if (act.trace != null) {
      act.trace.entering(config.numLayers(), act.residual, step.size);
    }
    head(step, act);
    if (exits != null) {
      exits.settle(step, act);
    }
    if (policy.reading() != null) {
      suspend(step, act);
    }
  }

  /** Keeps the residuals of prompts that are read in pieces; forgets those of ended readings. */
  private void suspend(Step step, Activations act) {
    int c = config.hiddenSize();
    for (int i = 0; i < step.size; i++) {
      if (!step.reads(i)) {
        continue;
      }
      DeferredSlots read = step.sequences[i].deferred;
      if (step.positions[i] == 0) {
        read.clear();
      }
      if (step.until[i] < config.numLayers()) {
        read.add(step.positions[i], step.until[i], act.residual, i * c);
        read.remember(act.memory[i]);
      }
    }
  }

  /**
   * The mean residual of slots of the last step, summed in slot order.
   *
   * @param out {@code [hiddenSize]}, overwritten
   */
  public void meanResidual(Activations act, int firstSlot, int slots, float[] out) {
    int c = config.hiddenSize();
    Arrays.fill(out, 0f);
    for (int slot = firstSlot; slot < firstSlot + slots; slot++) {
      kernels.add(out, 0, act.residual, slot * c, c);
    }
    for (int i = 0; i < c; i++) {
      out[i] /= slots;
    }
  }

  /**
   * Runs one step of drafts: each slot runs what its plan says, and the head gives the logits of
   * the token behind it. The slots' residuals where their plans first leave the whole model are
   * kept for {@link Step#verify}.
   */
  public void draft(Step step, Activations act) {
    act.ensure(step.size, step.numProducing, maxPosition(step) + 1);
    int c = config.hiddenSize();
    for (int i = 0; i < step.size; i++) {
      math.embed(step.tokens[i], act.residual, i * c);
      act.status[i] = Activations.LIVE;
      act.active[i] = false;
    }
    for (int layer = 0; layer < config.numLayers(); layer++) {
      for (int i = 0; i < step.size; i++) {
        if (step.plan[i].shared() == layer) {
          leaveForVerification(layer, step, act, i);
        }
        act.cells[i] = step.plan[i].cells(layer);
        step.sequences[i].counter.tried(act.cells[i]);
      }
      run(layer, step, act);
      shadow(layer, step, act);
    }
    for (int i = 0; i < step.size; i++) {
      if (step.plan[i].shared() == config.numLayers()) {
        leaveForVerification(config.numLayers(), step, act, i);
      }
      System.arraycopy(act.residual, i * c, act.panel, i * c, c);
      step.sequences[i].counter.spent(config.headMacs());
    }
    math.head(act, step.size, act.logits);
  }

  private void leaveForVerification(int layer, Step step, Activations act, int slot) {
    if (layer > 0) {
      step.sequences[slot].deferred.add(
          step.positions[slot], layer, act.residual, slot * config.hiddenSize());
    }
  }

  private void shadow(int layer, Step step, Activations act) {
    int c = config.hiddenSize();
    for (int i = 0; i < step.size; i++) {
      Shadows shadows = step.sequences[i].shadows;
      if (shadows != null && layer >= step.from[i]) {
        shadows.keep(layer + 1, step.positions[i], act.residual, i * c);
      }
    }
  }

  /**
   * How many tokens of a round just verified a draft from an exit would have got right, each after
   * the right ones before it (the shadow tokens of DEL).
   *
   * @param exit index of the exit among those of {@link SequenceState#watch}
   * @param tokens the tokens that the round's slots produced, from {@code offset} on
   * @param slots at most those of the step just run
   */
  public int matches(
      SequenceState sequence, int exit, int[] tokens, int offset, int slots, Activations act) {
    int v = config.vocabSize();
    sequence.shadows.read(exit, slots, act.panel);
    act.ensureProbes(slots);
    math.head(act, slots, act.probeLogits);
    int right = 0;
    for (int i = 0; i < slots; i++) {
      sequence.counter.spent(config.headMacs());
      right += kernels.argmax(act.probeLogits, i * v, v) == tokens[offset + i] ? 1 : 0;
    }
    return right;
  }

  private static int maxPosition(Step step) {
    int max = 0;
    for (int i = 0; i < step.size; i++) {
      max = Math.max(max, step.positions[i]);
    }
    return max;
  }

  private void enter(Step step, Activations act) {
    int producing = 0;
    for (int i = 0; i < step.size; i++) {
      SequenceState sequence = step.sequences[i];
      int offset = i * config.hiddenSize();
      if (step.resumed[i] >= 0) {
        sequence.deferred.read(step.resumed[i], act.residual, offset);
      } else {
        if (!step.verified[i]) {
          sequence.enter(step.positions[i]);
        }
        math.embed(step.tokens[i], act.residual, offset);
      }
      act.status[i] = Activations.LIVE;
      if (step.producing[i]) {
        sequence.readWhole();
      }
      act.layersRun[i] = sequence.filtering() ? 0 : config.numLayers();
      act.memory[i] = step.resumed[i] >= 0 ? sequence.deferred.memory(step.resumed[i]) : 0;
      act.logitRow[i] = producing;
      producing += step.producing[i] ? 1 : 0;
    }
  }

  /** Runs one layer for the slots chosen. */
  private void run(int layer, Step step, Activations act) {
    boolean together = policy.feedForward() == null && act.trace == null;
    boolean again = false;
    int executed = 0;
    for (int i = 0; i < step.size; i++) {
      byte cells = act.cells[i];
      if (Cells.attends(cells)) {
        act.index[executed++] = i;
      }
      together &= Cells.attends(cells) == Cells.feeds(cells);
      again |= Cells.repeats(cells);
    }
    int projected = passing(layer, step, act, executed);
    gather(act, executed + projected);
    if (executed + projected > 0) {
      math.attention(layer, layer, step, act, executed, projected);
    }
    if (pruner != null) {
      pruner.weigh(layer, step, act, executed);
    }
    if (policy.skip() != null) {
      replace(layer, step, act);
    }
    if (together) {
      if (executed > 0) {
        math.feedForward(layer, step, act, executed);
        scatter(act, executed);
      }
    } else {
      scatter(act, executed);
      feedForward(layer, step, act);
    }
    if (again) {
      repeat(layer, step, act);
    }
  }

  /**
   * Adds the slots that pass this layer but whose keys and values are wanted to {@code act.index};
   * returns their number. Of a token that left they are wanted where it could have run.
   */
  private int passing(int layer, Step step, Activations act, int executed) {
    int rows = executed;
    for (int i = 0; i < step.size; i++) {
      boolean wanted =
          act.status[i] == Activations.PROJECTED
              ? policy.projects() || Cells.attends(chooser.cells(layer, step, i))
              : policy.projects() && act.active[i] && !Cells.attends(act.cells[i]);
      if (wanted) {
        step.sequences[i].counter.projected();
        act.index[rows++] = i;
      }
    }
    return rows - executed;
  }

  private void gather(Activations act, int rows) {
    int c = config.hiddenSize();
    for (int row = 0; row < rows; row++) {
      System.arraycopy(act.residual, act.index[row] * c, act.panel, row * c, c);
    }
  }

  private void scatter(Activations act, int rows) {
    int c = config.hiddenSize();
    for (int row = 0; row < rows; row++) {
      System.arraycopy(act.panel, row * c, act.residual, act.index[row] * c, c);
    }
  }

  /** The feed-forward sublayer, when it does not run for the same slots as the attention. */
  private void feedForward(int layer, Step step, Activations act) {
    if (act.trace != null) {
      act.trace.betweenSublayers(layer, act.residual, step.size);
    }
    FeedForwardRule rule = policy.feedForward();
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (!Cells.feeds(act.cells[i])) {
        if (Cells.attends(act.cells[i])) {
          scale(act, i, policy.skip() == null ? null : policy.skip().feedForward(), layer);
        }
      } else if (rule == null
          || rule.runs(layer, step.positions[i], step.sequences[i].row, act.memory[i])) {
        act.index[rows++] = i;
      } else {
        act.memory[i] = rule.skipped(layer, act.memory[i]);
        act.cells[i] = (byte) (act.cells[i] & Cells.ATTENTION);
        scale(act, i, policy.skip() == null ? null : policy.skip().feedForward(), layer);
        multiply(act, i, rule.factor(layer, step.sequences[i].row));
      }
    }
    if (rows == 0) {
      return;
    }
    gather(act, rows);
    math.feedForward(layer, step, act, rows);
    if (rule != null) {
      observe(rule, layer, step, act, rows);
    }
    scatter(act, rows);
  }

  private void observe(FeedForwardRule rule, int layer, Step step, Activations act, int rows) {
    int c = config.hiddenSize();
    for (int row = 0; row < rows; row++) {
      int i = act.index[row];
      SequenceState sequence = step.sequences[i];
      if (rule.observes(layer, step.positions[i], sequence.row, act.memory[i])) {
        double cosine = RowMath.cosine(act.residual, i * c, act.panel, row * c, c);
        double before = RowMath.norm(act.residual, i * c, c);
        double ratio = before == 0 ? 1 : RowMath.norm(act.panel, row * c, c) / before;
        sequence.counter.spent(3L * c);
        act.memory[i] =
            rule.observed(
                layer,
                step.positions[i],
                sequence.row,
                (float) cosine,
                (float) ratio,
                act.memory[i]);
      }
    }
  }

  /** The second run of the slots whose layer runs twice; it has keys and values of its own. */
  private void repeat(int layer, Step step, Activations act) {
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (Cells.repeats(act.cells[i])) {
        act.index[rows++] = i;
      }
    }
    gather(act, rows);
    math.attention(layer, config.numLayers() + layer, step, act, rows, 0);
    math.feedForward(layer, step, act, rows);
    scatter(act, rows);
  }

  /** What stands in for sublayers that this layer skips. */
  private void replace(int layer, Step step, Activations act) {
    SkipOperation skip = policy.skip();
    for (int i = 0; i < step.size; i++) {
      if (act.active[i] && !Cells.attends(act.cells[i])) {
        scale(act, i, skip.attention(), layer);
      }
      if (act.active[i] && act.cells[i] == Cells.SKIP) {
        scale(act, i, skip.feedForward(), layer);
      }
    }
    SkipOperation.BlockMap map = skip.map();
    if (map == null || map.layer() != layer) {
      return;
    }
    int c = config.hiddenSize();
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (act.active[i] && act.cells[i] == Cells.SKIP) {
        System.arraycopy(act.residual, i * c, act.normed, rows * c, c);
        step.sequences[i].counter.spent((long) c * c);
        act.gateIndex[rows++] = i;
      }
    }
    math.linear(map.weight(), map.bias(), act.normed, c, rows, act.projected, c, act);
    for (int row = 0; row < rows; row++) {
      System.arraycopy(act.projected, row * c, act.residual, act.gateIndex[row] * c, c);
    }
  }

  private void scale(Activations act, int slot, float[] factors, int layer) {
    if (factors != null) {
      multiply(act, slot, factors[layer]);
    }
  }

  private void multiply(Activations act, int slot, float factor) {
    int c = config.hiddenSize();
    for (int i = slot * c; factor != 1f && i < (slot + 1) * c; i++) {
      act.residual[i] *= factor;
    }
  }

  private void count(int layer, Step step, Activations act) {
    for (int i = 0; i < step.size; i++) {
      SequenceState sequence = step.sequences[i];
      boolean producing = step.counts(i);
      if (step.verified[i]) {
        sequence.counter.tried(act.cells[i]);
      } else if (act.active[i]) {
        if (sequence.filtering()) {
          sequence.counter.read(layer, act.cells[i]);
          act.layersRun[i] += act.cells[i] == Cells.SKIP ? 0 : 1;
        } else {
          sequence.counter.cell(layer, producing, act.cells[i]);
        }
        if (act.cells[i] != Cells.SKIP) {
          sequence.traceRun(step.positions[i], layer);
        }
      } else if (act.status[i] == Activations.PRUNED) {
        sequence.counter.cell(layer, producing, Cells.SKIP);
      } else if (act.status[i] == Activations.PROJECTED || act.status[i] == Activations.EXITED) {
        sequence.counter.leftBelow(producing);
      }
    }
  }

  /**
   * Logits of the producing slots that have not left; those that have keep the logits they left
   * with.
   */
  private void head(Step step, Activations act) {
    int c = config.hiddenSize();
    int v = config.vocabSize();
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (!step.producing[i]) {
        continue;
      }
      if (act.status[i] == Activations.LIVE) {
        System.arraycopy(act.residual, i * c, act.panel, rows * c, c);
        act.index[rows++] = act.logitRow[i];
        if (step.verified[i]) {
          step.sequences[i].counter.spent(config.headMacs());
        } else {
          step.sequences[i].counter.produced(config.numLayers());
        }
      } else if (!step.sequences[i].stopped()) {
        step.sequences[i].counter.producedByProbe(act.layersRun[i]);
      }
    }
    if (rows == step.numProducing) {
      math.head(act, rows, act.logits);
    } else if (rows > 0) {
      act.ensureProbes(rows);
      math.head(act, rows, act.probeLogits);
      for (int row = 0; row < rows; row++) {
        System.arraycopy(act.probeLogits, row * v, act.logits, act.index[row] * v, v);
      }
    }
  }

  /**
   * The final norm of what the last step made of a slot.
   *
   * @param out {@code [hiddenSize]}, overwritten
   * @return false, and nothing is written, if the slot was dropped on its way up
   */
  public boolean hidden(Activations act, int slot, float[] out) {
    if (act.status[slot] == Activations.PRUNED) {
      return false;
    }
    math.finalNorm(act, slot, out);
    return true;
  }

  /**
   * Final norm and head of given residuals.
   *
   * @param residuals {@code [rows, hiddenSize]}
   * @param out {@code [rows, vocabSize]}, overwritten
   */
  public void headLogits(float[] residuals, int rows, float[] out) {
    Activations act = new Activations(config, kernels);
    act.ensure(rows, 0, 1);
    System.arraycopy(residuals, 0, act.panel, 0, rows * config.hiddenSize());
    math.head(act, rows, out);
  }
}
