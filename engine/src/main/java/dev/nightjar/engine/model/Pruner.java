package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.PromptPruning;
import java.util.Arrays;

/**
 * Drops prompt tokens on the way up. A prompt none of whose tokens attend in a layer is not pruned
 * there, and a token whose logits are wanted always stays. Immutable and safe for concurrent use
 * with one {@link Activations} per thread.
 */
final class Pruner {
  private final PromptPruning pruning;
  private final LayerMath math;

  Pruner(PromptPruning pruning, LayerMath math) {
    this.pruning = pruning;
    this.math = math;
  }

  /**
   * Between the sublayers: measures the attention of the end of each prompt. Rows of the panel are
   * in {@code act.index[0 .. executed)}; the mass of a token is left at its slot, 0 where its
   * attention did not run.
   */
  void weigh(int layer, Step step, Activations act, int executed) {
    if (!pruning.prunes(layer)) {
      return;
    }
    act.ensureMass();
    Arrays.fill(act.mass, 0, step.size, 0f);
    int row = 0;
    while (row < executed) {
      int slot = act.index[row];
      int end = row + 1;
      SequenceState sequence = step.sequences[slot];
      while (end < executed && step.sequences[act.index[end]] == sequence) {
        end++;
      }
      if (step.prompt[slot]) {
        weigh(layer, sequence, act, row, end);
      }
      row = end;
    }
  }

  private void weigh(int layer, SequenceState sequence, Activations act, int from, int end) {
    int entries = sequence.cache.length(layer);
    act.ensureReceived(entries);
    Arrays.fill(act.received, 0, entries, 0f);
    int window = Math.clamp(pruning.window(layer, end - from, sequence.row), 1, end - from);
    for (int w = 0; w < window; w++) {
      int row = end - window + w;
      float weight = pruning.queryWeight(w, window);
      math.addMass(layer, sequence.cache, act, row, weight, act.received);
      sequence.counter.massed(act.visible[row]);
    }
    for (int row = from; row < end; row++) {
      act.mass[act.index[row]] = act.received[act.visible[row] - 1];
    }
  }

  /** After the layer: the tokens that are not retained leave. */
  void prune(int layer, Step step, Activations act) {
    if (!pruning.prunes(layer)) {
      return;
    }
    int i = 0;
    while (i < step.size) {
      int length = Chooser.promptLength(step, i);
      if (length > 0) {
        prune(layer, step, act, i, length);
      }
      i += Math.max(1, length);
    }
  }

  private void prune(int layer, Step step, Activations act, int first, int length) {
    act.ensureReceived(length);
    int live = 0;
    boolean weighed = false;
    for (int slot = first; slot < first + length; slot++) {
      if (act.status[slot] == Activations.LIVE) {
        act.gateIndex[live] = slot;
        act.gatePositions[live] = step.positions[slot];
        act.received[live++] = act.mass[slot];
        weighed |= act.mass[slot] != 0;
      }
    }
    if (!weighed) {
      return;
    }
    Arrays.fill(act.keep, 0, live, false);
    pruning.retain(
        layer, act.received, act.gatePositions, live, step.sequences[first].row, act.keep);
    for (int k = 0; k < live - 1; k++) {
      int slot = act.gateIndex[k];
      if (!act.keep[k] && !step.producing[slot]) {
        act.status[slot] = Activations.PRUNED;
      }
    }
  }
}
