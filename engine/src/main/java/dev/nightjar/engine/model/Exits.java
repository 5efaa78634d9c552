package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Cells;
import dev.nightjar.engine.depth.Confidence;
import dev.nightjar.engine.depth.EarlyExit;
import dev.nightjar.engine.depth.Evidence;
import dev.nightjar.engine.kernel.Kernels;
import java.util.function.IntPredicate;

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
    boolean compares = exit.confidence().usesPrevious();
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (mayLeave(step, act, i) && !(compares && act.cells[i] == Cells.SKIP)) {
        act.index[rows++] = i;
      }
    }
    if (rows == 0) {
      return;
    }
    boolean usesHead = exit.confidence().usesHead();
    int width = usesHead ? headAt(layersRun, step, act, rows) : 0;
    int leaving = 0;
    for (int row = 0; row < rows; row++) {
      int slot = act.index[row];
      Confidence.Verdict verdict = judge(layersRun, step, act, row, width);
      switch (permitted(verdict, step, act, slot, width)) {
        case CONTINUE -> shorten(layersRun, step, act, row, width);
        case STOP -> stop(layersRun, step, act, slot);
        case EXIT -> {
          act.index[leaving] = slot;
          act.visible[leaving++] = row;
        }
      }
    }
    if (leaving > 0) {
      leave(layersRun, step, act, leaving, width);
    }
  }

  private boolean mayLeave(Step step, Activations act, int slot) {
    if (!step.producing[slot] || act.status[slot] != Activations.LIVE) {
      return false;
    }
    SequenceState sequence = step.sequences[slot];
    if (exit.prompt()) {
      // Where earlier prompt tokens produce logits too (scoring), the prompt cannot leave.
      return step.prompt[slot]
          && sequence.row.maxTokens() == 1
          && step.positions[slot] == sequence.row.promptTokens() - 1
          && (step.positions[slot] == 0 || !step.producing[slot - 1]);
    }
    return !step.prompt[slot]
        && (!exit.keysValues().deferred() || sequence.deferred.size() < exit.keysValues().limit());
  }

  /**
   * Logits of the slots at {@code act.index[0 .. rows)}, through the exit's lens if it has one;
   * returns their number per slot, which is smaller than the vocabulary's where it was shortened.
   */
  private int headAt(int layersRun, Step step, Activations act, int rows) {
    int c = config.hiddenSize();
    EarlyExit.Lens lens = exit.head().lens(layersRun);
    float[] gathered = lens == null ? act.panel : act.projected;
    boolean shortened = shortens() && exit.probesBelow(layersRun);
    int width = shortened ? act.shortLists.size() : config.vocabSize();
    for (int row = 0; row < rows; row++) {
      System.arraycopy(act.residual, act.index[row] * c, gathered, row * c, c);
      long macs = (long) width * c + (lens == null ? 0 : (long) c * c);
      step.sequences[act.index[row]].counter.spent(macs);
    }
    if (lens != null) {
      math.linear(lens.weight(), lens.bias(), gathered, c, rows, act.panel, c, act);
    }
    act.ensureProbes(rows);
    if (shortened) {
      math.head(act, rows, act.shortLists, act.probeLogits);
    } else {
      math.head(act, rows, act.probeLogits);
      if (shortens()) {
        act.shortLists.clear(step.size, Math.min(exit.head().vocabulary(), config.vocabSize()));
      }
    }
    return width;
  }

  private boolean shortens() {
    return exit.head().vocabulary() > 0 && exit.confidence().usesHead();
  }

  /** After a token's first probe: only the likeliest tokens are looked at from here on. */
  private void shorten(int layersRun, Step step, Activations act, int row, int width) {
    if (shortens() && !exit.probesBelow(layersRun) && exit.probesAbove(layersRun)) {
      math.choose(act.shortLists, act.index[row], act.probeLogits, row * width);
    }
  }

  private Confidence.Verdict judge(int layersRun, Step step, Activations act, int row, int width) {
    Evidence evidence = act.evidence;
    Confidence confidence = exit.confidence();
    SequenceState sequence = step.sequences[act.index[row]];
    int slot = act.index[row];
    int c = config.hiddenSize();
    evidence.residual = act.residual;
    evidence.offset = slot * c;
    if (width > 0) {
      int at = row * width;
      float logSum = kernels.logSumExp(act.probeLogits, at, width);
      int first = kernels.argmax(act.probeLogits, at, width);
      evidence.top1 = Kernels.exp(act.probeLogits[at + first] - logSum);
      if (confidence.usesSecond()) {
        float second = secondLargest(act.probeLogits, at, width, first);
        evidence.top2 = Kernels.exp(second - logSum);
      }
      if (confidence.usesEntropy()) {
        evidence.entropy = entropy(act.probeLogits, at, width, logSum);
      }
    }
    if (confidence.usesPrevious()) {
      evidence.cosine = (float) RowMath.cosine(act.previous, slot * c, act.residual, slot * c, c);
    }
    sequence.counter.spent(confidence.macs(c, width));
    int generated = step.positions[slot] - sequence.row.promptTokens() + 1;
    return exit.judge(evidence, layersRun, sequence.row, generated);
  }

  /**
   * What is done with a token where only some may be generated: there must be one, and the head
   * must have looked at one of them.
   */
  private Confidence.Verdict permitted(
      Confidence.Verdict verdict, Step step, Activations act, int slot, int width) {
    IntPredicate allowed = step.sequences[slot].allowed();
    if (allowed == null) {
      return verdict;
    }
    return switch (verdict) {
      case CONTINUE, STOP -> Confidence.Verdict.CONTINUE;
      case EXIT ->
          width == 0 || width == config.vocabSize() || act.shortLists.holdsAny(slot, allowed)
              ? verdict
              : Confidence.Verdict.CONTINUE;
    };
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
      float p = Kernels.exp(logp);
      sum -= p == 0 ? 0 : (double) p * logp;
    }
    return (float) sum;
  }

  /** The row ends here without this token. */
  private void stop(int layersRun, Step step, Activations act, int slot) {
    step.sequences[slot].stop();
    act.layersRun[slot] = layersRun;
    part(step, act, slot, Activations.EXITED);
  }

  /**
   * The tokens at {@code act.index[0 .. leaving)} leave; {@code act.visible} holds the rows of
   * their {@code width} logits each, if the head was applied.
   */
  private void leave(int layersRun, Step step, Activations act, int leaving, int width) {
    int v = config.vocabSize();
    boolean applied = width > 0;
    if (!applied) {
      headAt(layersRun, step, act, leaving);
    }
    for (int row = 0; row < leaving; row++) {
      int slot = act.index[row];
      act.layersRun[slot] = layersRun;
      int to = act.logitRow[slot] * v;
      if (applied && width < v) {
        int from = act.visible[row] * width;
        act.shortLists.spread(slot, act.probeLogits, from, act.logits, to, v);
      } else {
        int from = (applied ? act.visible[row] : row) * v;
        System.arraycopy(act.probeLogits, from, act.logits, to, v);
      }
      part(step, act, slot, Activations.PROJECTED);
    }
  }

  /**
   * The slot runs no further layer in this step. Of the last prompt token's whole prompt nothing is
   * needed above.
   *
   * @param status what becomes of a generated token that need not wait
   */
  private void part(Step step, Activations act, int slot, byte status) {
    if (!step.prompt[slot]) {
      act.status[slot] = exit.keysValues().deferred() ? Activations.DEFERRED : status;
      return;
    }
    for (int i = slot - step.positions[slot]; i <= slot; i++) {
      if (act.status[i] == Activations.LIVE) {
        act.status[i] = Activations.EXITED;
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
        deferred.remember(act.memory[i]);
      }
      deferred.add(step.positions[slot], left, act.residual, slot * c);
      deferred.remember(act.memory[slot]);
    }
  }
}
