package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Cells;
import dev.nightjar.engine.depth.DepthPolicy;

/**
 * Asks the policy what a layer does for each slot of a step: schedule, the row's plan, gate.
 * Immutable and safe for concurrent use with one {@link Activations} per thread.
 */
final class Chooser {
  private final DepthPolicy policy;
  private final int hiddenSize;
  private final int numLayers;

  Chooser(DepthPolicy policy, ModelConfig config) {
    this.policy = policy;
    this.hiddenSize = config.hiddenSize();
    this.numLayers = config.numLayers();
  }

  /** Sets {@code act.active} and {@code act.cells}. */
  void choose(int layer, Step step, Activations act) {
    if (policy.planner() != null && policy.planner().plans(layer)) {
      plan(layer, step, act);
    }
    for (int i = 0; i < step.size; i++) {
      act.active[i] = takesPart(layer, step, act, i);
      act.cells[i] = act.active[i] ? cells(layer, step, i) : Cells.SKIP;
    }
    if (policy.gate() != null && policy.gate().gates(layer)) {
      gate(layer, step, act);
    }
  }

  private static boolean takesPart(int layer, Step step, Activations act, int slot) {
    return act.status[slot] == Activations.LIVE
        && layer >= step.from[slot]
        && layer < step.until[slot]
        && (!step.rides(slot) || act.status[step.leader[slot]] == Activations.LIVE);
  }

  /** What the layer does for a slot as far as the row's plan and the schedule say. */
  byte cells(int layer, Step step, int slot) {
    byte cells = step.sequences[slot].row.planned(layer);
    if (policy.schedule() != null) {
      cells =
          both(
              cells,
              policy.schedule().cells(layer, step.positions[slot], step.sequences[slot].row));
    }
    return cells;
  }

  private static byte both(byte a, byte b) {
    if (a == Cells.LAYER) {
      return b;
    }
    return b == Cells.LAYER ? a : (byte) (a & b);
  }

  private void gate(int layer, Step step, Activations act) {
    int candidates = 0;
    for (int i = 0; i < step.size; i++) {
      if (act.cells[i] != Cells.SKIP) {
        act.gateIndex[candidates] = i;
        act.gatePositions[candidates] = step.positions[i];
        System.arraycopy(
            act.residual, i * hiddenSize, act.panel, candidates * hiddenSize, hiddenSize);
        candidates++;
      }
    }
    if (candidates == 0) {
      return;
    }
    policy.gate().gate(layer, act.panel, act.gatePositions, candidates, act.gated, act.gate);
    for (int g = 0; g < candidates; g++) {
      int slot = act.gateIndex[g];
      act.cells[slot] = both(act.cells[slot], act.gated[g]);
      step.sequences[slot].counter.spent(policy.gate().macs(layer));
    }
  }

  /** Shows every prompt of the step to the planner; prompts come in one piece. */
  private void plan(int layer, Step step, Activations act) {
    int i = 0;
    while (i < step.size) {
      int length = promptLength(step, i);
      if (length > 0 && act.status[i] != Activations.FILTERED) {
        SequenceState sequence = step.sequences[i];
        System.arraycopy(act.residual, i * hiddenSize, act.panel, 0, length * hiddenSize);
        sequence.row.plan(numLayers);
        policy.planner().plan(layer, act.panel, sequence.row, act.gate);
        sequence.counter.spent(policy.planner().macs(layer, length));
      }
      i += Math.max(1, length);
    }
  }

  /** Slots of the prompt that starts at a slot, 0 if none does. */
  static int promptLength(Step step, int slot) {
    return step.prompt[slot] && step.positions[slot] == 0
        ? step.sequences[slot].row.promptTokens()
        : 0;
  }
}
