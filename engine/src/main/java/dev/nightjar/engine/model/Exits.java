package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Confidence;
import dev.nightjar.engine.depth.EarlyExit;
import dev.nightjar.engine.depth.Evidence;
import dev.nightjar.engine.kernel.Kernels;

/**
 * Lets tokens leave before the last layer: applies the head where the policy asks, and keeps what
 * those that left need. Immutable and safe for concurrent use with one {@link Activations} per
 * thread.
 */
final class Exits {
  private final EarlyExit exit;
  private final LayerMath math;
  private final ModelConfig config;
  private final Kernels kernels;

  Exits(EarlyExit exit, LayerMath math, ModelConfig config, Kernels kernels) {
    this.exit = exit;
    this.math = math;
    this.config = config;
    this.kernels = kernels;
  }

  /** Before a layer: keeps the residuals that a probe after it compares with. */
  void before(int layer, Step step, Activations act) {
    if (!exit.probes(layer + 1) || !exit.confidence().usesPrevious()) {
      return;
    }
    act.ensurePrevious();
    int c = config.hiddenSize();
    for (int i = 0; i < step.size; i++) {
      if (mayLeave(step, act, i)) {
        System.arraycopy(act.residual, i * c, act.previous, i * c, c);
      }
    }
  }

  /** After {@code layersRun} layers: lets the confident tokens leave with these logits. */
  void probe(int layersRun, Step step, Activations act) {
    if (!exit.probes(layersRun)) {
      return;
    }
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (mayLeave(step, act, i)) {
        act.index[rows++] = i;
      }
    }
    if (rows == 0) {
      return;
    }
    boolean usesHead = exit.confidence().usesHead();
    if (usesHead) {
      headAt(layersRun, step, act, rows);
    }
    int leaving = 0;
    for (int row = 0; row < rows; row++) {
      int slot = act.index[row];
      switch (judge(layersRun, step, act, row)) {
        case CONTINUE -> {}
        case STOP -> {
          step.sequences[slot].stop();
          act.index[leaving] = slot;
          act.visible[leaving++] = row;
        }
        case EXIT -> {
          act.index[leaving] = slot;
          act.visible[leaving++] = row;
        }
      }
    }
    if (leaving > 0) {
      leave(layersRun, step, act, leaving, usesHead);
    }
  }

  private boolean mayLeave(Step step, Activations act, int slot) {
    boolean candidate = step.producing[slot] && (!step.prompt[slot] || exit.prompt());
    return candidate
        && act.status[slot] == Activations.LIVE
        && (!exit.keysValues().deferred()
            || step.sequences[slot].deferred.size() < exit.keysValues().limit());
  }

  /** Logits of the candidates, through the exit's lens if it has one. */
  private void headAt(int layersRun, Step step, Activations act, int rows) {
    int c = config.hiddenSize();
    EarlyExit.Lens lens = exit.head().lens(layersRun);
    float[] gathered = lens == null ? act.panel : act.projected;
    for (int row = 0; row < rows; row++) {
      System.arraycopy(act.residual, act.index[row] * c, gathered, row * c, c);
      long macs = config.headMacs() + (lens == null ? 0 : (long) c * c);
      step.sequences[act.index[row]].counter.spent(macs);
    }
    if (lens != null) {
      math.linear(lens.weight(), lens.bias(), gathered, c, rows, act.panel, c, act);
    }
    act.ensureProbes(rows);
    math.head(act, rows, act.probeLogits);
  }

  private Confidence.Verdict judge(int layersRun, Step step, Activations act, int row) {
    Evidence evidence = act.evidence;
    Confidence confidence = exit.confidence();
    int slot = act.index[row];
    int v = config.vocabSize();
    int c = config.hiddenSize();
    evidence.residual = act.residual;
    evidence.offset = slot * c;
    if (confidence.usesHead()) {
      float logSum = kernels.logSumExp(act.probeLogits, row * v, v);
      int first = kernels.argmax(act.probeLogits, row * v, v);
      evidence.top1 = Kernels.exp(act.probeLogits[row * v + first] - logSum);
      float second = secondLargest(act.probeLogits, row * v, v, first);
      evidence.top2 = Kernels.exp(second - logSum);
      if (confidence.usesEntropy()) {
        evidence.entropy = entropy(act.probeLogits, row * v, v, logSum);
      }
    }
    if (confidence.usesPrevious()) {
      evidence.cosine = (float) RowMath.cosine(act.previous, slot * c, act.residual, slot * c, c);
    }
    step.sequences[slot].counter.spent(confidence.macs(c));
    int generated = step.positions[slot] - step.sequences[slot].row.promptTokens() + 1;
    return exit.judge(evidence, layersRun, generated);
  }

  private static float secondLargest(float[] x, int offset, int count, int first) {
    float second = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      if (i != first && x[offset + i] > second) {
        second = x[offset + i];
      }
    }
    return second;
  }

  private static float entropy(float[] logits, int offset, int count, float logSum) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      float logp = logits[offset + i] - logSum;
      sum -= (double) Kernels.exp(logp) * logp;
    }
    return (float) sum;
  }

  /**
   * The tokens at {@code act.index[0 .. leaving)} leave; {@code act.visible} holds the rows of
   * their logits, if the head was applied.
   */
  private void leave(int layersRun, Step step, Activations act, int leaving, boolean usesHead) {
    int c = config.hiddenSize();
    int v = config.vocabSize();
    if (!usesHead) {
      for (int row = 0; row < leaving; row++) {
        System.arraycopy(act.residual, act.index[row] * c, act.panel, row * c, c);
        act.visible[row] = row;
        step.sequences[act.index[row]].counter.spent(config.headMacs());
      }
      act.ensureProbes(leaving);
      math.head(act, leaving, act.probeLogits);
    }
    for (int row = 0; row < leaving; row++) {
      int slot = act.index[row];
      act.layersRun[slot] = layersRun;
      System.arraycopy(
          act.probeLogits, act.visible[row] * v, act.logits, act.logitRow[slot] * v, v);
      if (exit.keysValues().deferred() && !step.prompt[slot]) {
        act.status[slot] = Activations.DEFERRED;
      } else {
        freeze(step, act, slot);
      }
    }
  }

  /** The slot stops here; with a prompt's last token, the whole prompt does. */
  private void freeze(Step step, Activations act, int slot) {
    boolean last = step.sequences[slot].stopped() || step.sequences[slot].row.maxTokens() == 1;
    byte status = step.prompt[slot] && last ? Activations.EXITED : Activations.PROJECTED;
    int from = step.prompt[slot] ? slot - step.positions[slot] : slot;
    for (int i = from; i <= slot; i++) {
      if (act.status[i] == Activations.LIVE) {
        act.status[i] = status;
      }
    }
  }

  /** After the step: tokens that wait for a later one are kept, those that went on forgotten. */
  void settle(Step step, Activations act) {
    if (!exit.keysValues().deferred()) {
      return;
    }
    int c = config.hiddenSize();
    for (int slot = 0; slot < step.size; slot++) {
      if (step.rides(slot) || step.prompt[slot]) {
        continue;
      }
      DeferredSlots deferred = step.sequences[slot].deferred;
      int riders = deferred.size();
      deferred.clear();
      if (act.status[slot] != Activations.DEFERRED) {
        continue;
      }
      int left = act.layersRun[slot];
      for (int i = slot - riders; i < slot; i++) {
        deferred.add(step.positions[i], Math.max(step.from[i], left), act.residual, i * c);
      }
      deferred.add(step.positions[slot], left, act.residual, slot * c);
    }
  }
}
