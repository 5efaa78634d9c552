package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.EngineConfig;
import java.util.ArrayList;
import java.util.List;

/**
 * Decides what a step computes: one slot of every sequence that is generating (with drafts to
 * verify, as many as it takes), then prompt chunks of the others in order of admission while the
 * token budget lasts (chunked prefill, Agrawal et al., arXiv:2308.16369).
 */
final class Scheduler {
  private final EngineConfig config;
  private final int promptChunk;

  /**
   * A scheduler.
   *
   * @param wholePrompts whether prompts must not be cut, whatever the configuration says
   */
  Scheduler(EngineConfig config, boolean wholePrompts) {
    this.config = config;
    this.promptChunk = wholePrompts ? 0 : config.promptChunk();
  }

  /** A plan over all running sequences; never empty when there is one. */
  StepPlan plan(List<Sequence> running) {
    List<Sequence> sequences = new ArrayList<>(running.size());
    List<Integer> slots = new ArrayList<>(running.size());
    int budget = config.stepTokens();
    for (Sequence sequence : running) {
      if (!sequence.prefilling()) {
        sequences.add(sequence);
        int next = sequence.nextSlots();
        slots.add(next);
        budget -= next;
      }
    }
    for (Sequence sequence : running) {
      if (!sequence.prefilling()) {
        continue;
      }
      int chunk = sequence.pending();
      if (promptChunk > 0) {
        chunk = Math.min(Math.min(chunk, promptChunk), Math.max(budget, 0));
      } else if (chunk > budget && !sequences.isEmpty()) {
        continue;
      }
      if (chunk == 0 && sequences.isEmpty()) {
        chunk = 1;
      }
      if (chunk > 0) {
        sequences.add(sequence);
        slots.add(chunk);
        budget -= chunk;
      }
    }
    return new StepPlan(sequences, slots);
  }
}
