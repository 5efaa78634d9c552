package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.PromptPruning;
import java.util.Arrays;

/**
 * Drops prompt tokens on the way up. Immutable and safe for concurrent use with one {@link
 * Activations} per thread.
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
   * in {@code act.index[0 .. executed)}; the mass of a token is left at its slot.
   */
  void weigh(int layer, Step step, Activations act, int executed) {
    if (!pruning.prunes(layer)) {
      return;
    }
    act.ensureMass();
    int row = 0;
    while (row < executed) {
      int slot = act.index[row];
      if (!step.prompt[slot]) {
        row++;
        continue;
      }
      SequenceState sequence = step.sequences[slot];
      int end = row;
      while (end < executed && step.sequences[act.index[end]] == sequence) {
        end++;
      }
      float[] mass = new float[sequence.cache.length(layer)];
      int window = Math.clamp(pruning.window(layer, end - row, sequence.row), 1, end - row);
      for (int w = 0; w < window; w++) {
        float weight = pruning.queryWeight(w, window);
        math.addMass(layer, sequence.cache, act, end - window + w, weight, mass);
        sequence.counter.massed(mass.length);
      }
      int first = slot - step.positions[slot];
      Arrays.fill(act.mass, first, first + sequence.row.promptTokens(), 0f);
      for (; row < end; row++) {
        act.mass[act.index[row]] = mass[act.visible[row] - 1];
      }
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
    int live = 0;
    for (int slot = first; slot < first + length; slot++) {
      if (act.status[slot] == Activations.LIVE) {
        act.gateIndex[live] = slot;
        act.gatePositions[live++] = step.positions[slot];
      }
    }
    float[] mass = new float[live];
    for (int k = 0; k < live; k++) {
      mass[k] = act.mass[act.gateIndex[k]];
    }
    Arrays.fill(act.keep, 0, live, false);
    pruning.retain(layer, mass, act.gatePositions, live, step.sequences[first].row, act.keep);
    for (int k = 0; k < live - 1; k++) {
      if (!act.keep[k]) {
        act.status[act.gateIndex[k]] = Activations.PRUNED;
      }
    }
  }
}
