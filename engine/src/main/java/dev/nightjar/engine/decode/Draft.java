package dev.nightjar.engine.decode;

import dev.nightjar.engine.depth.DraftPlan;
import dev.nightjar.engine.depth.Drafter;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;

/** The round of drafts of one row: its tokens and when it ends. Confined to one thread. */
final class Draft {
  final Drafter drafter;

  /** The last token that is certain, then the drafted ones. */
  final int[] tokens;

  private DraftPlan plan;
  private int first;
  private int drafted;
  private int limit;
  private boolean open;
  private boolean watched;

  /**
   * The draft of a row.
   *
   * @param maxLength most tokens of any round
   */
  Draft(Drafter drafter, int maxLength) {
    this.drafter = drafter;
    this.tokens = new int[maxLength + 2];
  }

  /**
   * Opens a round.
   *
   * @param room most tokens that may be drafted before the row must end
   * @return whether there is anything to draft
   */
  boolean begin(SequenceState state, int token, int position, int room) {
    tokens[0] = token;
    first = position;
    drafted = 0;
    plan = room < 1 ? null : drafter.plan();
    limit = plan == null ? 0 : Math.min(Math.min(drafter.length(), room), tokens.length - 2);
    watched = room >= 1 && drafter.watched().length > 0;
    if (watched) {
      state.watch(drafter.watched(), first);
    }
    open = watched || limit > 0;
    return limit > 0;
  }

  /** Adds the slot that drafts the next token. */
  void add(Step step, SequenceState state) {
    step.draft(state, tokens[drafted], first + drafted, plan);
  }

  /** Takes the token drafted; returns whether to draft another. */
  boolean take(float[] logits, int offset, int vocabSize, Kernels kernels, int[] eosTokenIds) {
    int token = kernels.argmax(logits, offset, vocabSize);
    float confidence = drafter.confidence();
    if (confidence > 0) {
      float logSum = kernels.logSumExp(logits, offset, vocabSize);
      if (!(Kernels.exp(logits[offset + token] - logSum) >= confidence)) {
        return false;
      }
    }
    tokens[++drafted] = token;
    for (int eos : eosTokenIds) {
      if (token == eos) {
        return false;
      }
    }
    return drafted < limit && drafter.goesOn();
  }

  /** Whether a round waits for its verification. */
  boolean open() {
    return open;
  }

  /** Whether residuals of the round were kept. */
  boolean watched() {
    return watched;
  }

  /** Tokens drafted in this round. */
  int drafted() {
    return drafted;
  }

  /** Position of the round's first slot. */
  int first() {
    return first;
  }

  void close() {
    open = false;
  }
}
