package dev.nightjar.engine.decode;

import java.util.List;

/** What one step computes: how many slots of which sequences, in this order. */
record StepPlan(List<Sequence> sequences, List<Integer> slots) {

  /** Slots of all sequences. */
  int totalSlots() {
    int total = 0;
    for (int count : slots) {
      total += count;
    }
    return total;
  }
}
