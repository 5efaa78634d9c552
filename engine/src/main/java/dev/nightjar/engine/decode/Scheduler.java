package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.EngineConfig;
import java.util.List;

/**
 * Decides what a step computes: one slot of every sequence that is generating (with drafts to
 * verify, as many as it takes), then prompt chunks of the others in order of admission while the
 * token budget lasts (chunked prefill, Agrawal et al., arXiv:2308.16369). A row whose next prompt
 * tokens another one of the same step computes, and will share, waits for them.
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

  /** Fills an empty plan over all running sequences; it is empty only if there are none. */
  void plan(List<Sequence> running, StepPlan plan) {
    int budget = config.stepTokens();
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (!sequence.prefilling()) {
        int next = sequence.nextSlots();
        plan.add(sequence, next);
        budget -= next;
      }
    }
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (!sequence.prefilling() || waits(sequence, plan)) {
        continue;
      }
      int chunk = sequence.pending();
      if (promptChunk > 0) {
        chunk = Math.min(Math.min(chunk, promptChunk), Math.max(budget, 0));
      } else if (chunk > budget && plan.size() > 0) {
        continue;
      }
      if (chunk == 0 && plan.size() == 0) {
        chunk = 1;
      }
      if (chunk > 0) {
        plan.add(sequence, chunk);
        budget -= chunk;
      }
    }
  }

  private static boolean waits(Sequence sequence, StepPlan plan) {
    boolean waits = false;
    for (int i = 0; i < plan.size() && !waits; i++) {
      waits = sequence.waitsFor(plan.sequence(i));
    }
    return waits;
  }
}
