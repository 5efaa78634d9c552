package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Timing;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import java.util.Arrays;

/**
 * One row in flight: its prompt, how far it is computed, and where its time goes. What follows the
 * prompt is its task's. Confined to its decoder's thread.
 */
abstract sealed class Sequence permits Generation, Choosing, Embedding {
  final GenerationRequest request;
  final SequenceState state;
  final long reservedKvBytes;
  final int promptTokens;
  private final int[] given;
  private final long arrivedNanos;
  private int[] prompt;
  private int computed;

  /** What of the prompt is in the prefix cache; null if the row has no part in it, or no more. */
  private PrefixCache.Node beginning;

  private long startedNanos = -1;
  private long prefilledNanos = -1;
  private long endedNanos = -1;
  private long cpuNanos;
  private long cellsSeen;
  private long batchSum;
  private int steps;

  /**
   * A row of which nothing is computed yet.
   *
   * @param reservedKvBytes most bytes of keys and values that it will hold
   * @param nowNanos when it arrived
   */
  Sequence(
      GenerationRequest request,
      int[] prompt,
      SequenceState state,
      long reservedKvBytes,
      long nowNanos) {
    this.request = request;
    this.promptTokens = prompt.length;
    this.given = prompt;
    this.prompt = prompt;
    this.state = state;
    this.reservedKvBytes = reservedKvBytes;
    this.arrivedNanos = nowNanos;
  }

  /** Whether the row has run longer than it may. */
  final boolean isOverdue(long nowNanos, long limitNanos) {
    return startedNanos >= 0 && nowNanos - startedNanos > limitNanos;
  }

  /** Most slots that the row takes. */
  final long mostSlots() {
    return (long) promptTokens + state.row().maxTokens();
  }

  /** The prompt the row came with, after any truncation. */
  final int[] given() {
    return given;
  }

  /** Tokens of the prompt as it is computed: fewer than were given if the policy filtered it. */
  final int promptLength() {
    return prompt.length;
  }

  /** A token of the prompt as it is computed. */
  final int promptToken(int position) {
    return prompt[position];
  }

  /** Slots that the prompt still takes. */
  int pending() {
    return prompt.length - computed;
  }

  /** Whether prompt tokens are still to be computed. */
  final boolean prefilling() {
    return computed < prompt.length;
  }

  /** The position of the row's next slot. */
  final int position() {
    return computed;
  }

  /** Whether the row ended. */
  abstract boolean finished();

  /** Slots of the next step, once the prompt is computed. */
  abstract int nextSlots();

  /** Whether the logits of the prompt's last slot are wanted. */
  abstract boolean producesFromPrompt();

  /** Adds the next {@code slots} slots, which are behind the prompt, to a step. */
  abstract void fillNext(Step step, int slots);

  /** Sees the residuals of prompt slots that were computed. */
  void observePrompt(Pass pass, int firstSlot, int slots) {}

  /** Takes the logits behind the prompt. */
  abstract void acceptPrompt(Pass pass, int row);

  /**
   * Takes what a step computed behind the prompt.
   *
   * @param row row of the first logits
   * @return rows of logits that belong to this row
   */
  abstract int acceptNext(Pass pass, int row, int slots);

  /** Ends the row: its policy does not expect it to come right. */
  abstract void giveUp();

  /** The row's result. */
  abstract GenerationResult result(String depthPolicy);

  /** Gives the row's memory back. */
  void release() {
    state.release();
  }

  /** Adds the next {@code slots} slots to a step. */
  void fill(Step step, int slots) {
    if (!prefilling()) {
      fillNext(step, slots);
      return;
    }
    for (int position = computed; position < computed + slots; position++) {
      step.add(state, prompt[position], position, true, produces(position));
    }
  }

  private boolean produces(int position) {
    return position == prompt.length - 1 && producesFromPrompt() && !state.filtering();
  }

  /**
   * Takes what a step computed.
   *
   * @param slots how many slots were this row's
   * @param firstSlot the first of them
   * @param row row of the logits of the first one that produced any
   * @return rows of logits that belong to this row
   */
  int take(Pass pass, int slots, int firstSlot, int row) {
    if (!prefilling()) {
      return acceptNext(pass, row, slots);
    }
    boolean produced = produces(computed + slots - 1);
    if (!state.filtering()) {
      observePrompt(pass, firstSlot, slots);
    }
    advance(slots);
    if (!produced) {
      return 0;
    }
    if (state.stopped()) {
      giveUp();
    } else {
      acceptPrompt(pass, row);
    }
    return 1;
  }

  /** Books that {@code slots} more slots are computed. */
  final void advance(int slots) {
    computed += slots;
    int[] kept = state.restart();
    if (kept != null) {
      int[] shortened = new int[kept.length];
      for (int i = 0; i < kept.length; i++) {
        shortened[i] = prompt[kept[i]];
      }
      prompt = shortened;
      computed = 0;
    }
  }

  /** Lets the row share its prompt's beginning with others; nothing of it is computed yet. */
  final void share(PrefixCache prefixes) {
    if (state.sharesPrefixes()) {
      beginning = prefixes.root();
      state.keepPrefixes();
    }
  }

  /** Whether the row can go without computing all of its prompt itself. */
  boolean adopts() {
    return true;
  }

  /** Takes over what others computed of the prompt; its last token is left to compute. */
  final void adopt(PrefixCache prefixes) {
    while (takesBlock()) {
      PrefixCache.Node longer = prefixes.adopt(beginning, prompt, state);
      if (longer == null) {
        return;
      }
      beginning = longer;
      computed = longer.tokens();
    }
  }

  private boolean takesBlock() {
    return beginning != null
        && adopts()
        && computed == beginning.tokens()
        && computed + PrefixCache.BLOCK < prompt.length;
  }

  /** Hands over what was computed of the prompt. */
  final void publish(PrefixCache prefixes) {
    while (beginning != null
        && beginning.tokens() + PrefixCache.BLOCK <= Math.min(computed, prompt.length)) {
      beginning = prefixes.add(beginning, prompt, state);
    }
    if (!prefilling()) {
      beginning = null;
    }
  }

  /** Whether the other row, which computes next, computes what this one then takes over. */
  final boolean waitsFor(Sequence other) {
    if (other.beginning == null || other.beginning != beginning || !takesBlock()) {
      return false;
    }
    int end = computed + PrefixCache.BLOCK;
    return end <= other.prompt.length
        && Arrays.equals(prompt, computed, end, other.prompt, computed, end);
  }

  /** Cells this sequence has run since the last call. */
  final long newCells() {
    long cells = state.cellsExecuted();
    long delta = cells - cellsSeen;
    cellsSeen = cells;
    return delta;
  }

  /** Books a step's time. */
  final void book(long stepStart, long stepEnd, long share, int batchSize) {
    if (startedNanos < 0) {
      startedNanos = stepStart;
    }
    if (prefilledNanos < 0 && !prefilling()) {
      prefilledNanos = stepEnd;
    }
    if (finished()) {
      endedNanos = stepEnd;
    }
    cpuNanos += share;
    batchSum += batchSize;
    steps++;
  }

  /** Where the row's time went. */
  final Timing timing() {
    return new Timing(
        startedNanos - arrivedNanos,
        prefilledNanos - startedNanos,
        endedNanos - prefilledNanos,
        cpuNanos,
        steps == 0 ? 0 : (double) batchSum / steps);
  }
}
