package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.DraftPlan;
import java.util.Arrays;

/**
 * The slots of one forward pass. Slots of a sequence are contiguous and in position order;
 * sequences come in any order. Tokens of a sequence that wait to go on ({@link DeferredSlots}) ride
 * in front of its next generated token. Reused from step to step; confined to one thread.
 *
 * <p>A step is either one of drafts ({@link #draft}) or one of all other kinds of slots.
 */
public final class Step {
  private static final int ALL = Integer.MAX_VALUE;

  SequenceState[] sequences = new SequenceState[64];
  int[] tokens = new int[64];
  int[] positions = new int[64];
  boolean[] prompt = new boolean[64];
  boolean[] producing = new boolean[64];

  /** First layer a slot runs: above 0 for one that goes on. */
  int[] from = new int[64];

  /** Layers that a slot of a prompt that is read in pieces has run at its end; or all. */
  int[] until = new int[64];

  /** Slot of the token that a slot rides with, or -1. */
  int[] leader = new int[64];

  /** What a draft runs; null for other slots. */
  DraftPlan[] plan = new DraftPlan[64];

  /** Whether a slot is verified: it becomes part of its row only once it is accepted. */
  boolean[] verified = new boolean[64];

  /** Index of a slot among the deferred ones of its sequence, or -1 for one that begins below. */
  int[] resumed = new int[64];

  int size;
  int numProducing;

  /** Empties the step. */
  public void clear() {
    Arrays.fill(sequences, 0, size, null);
    Arrays.fill(plan, 0, size, null);
    size = 0;
    numProducing = 0;
  }

  /**
   * Adds a slot.
   *
   * @param prompt whether the token belongs to the prompt
   * @param producing whether its logits are wanted
   */
  public void add(
      SequenceState sequence, int token, int position, boolean prompt, boolean producing) {
    int riders = prompt ? 0 : sequence.deferred.size();
    for (int i = 0; i < riders; i++) {
      int slot = append(sequence, -1, sequence.deferred.position(i), false, false);
      from[slot] = sequence.deferred.from(i);
      leader[slot] = slot + riders - i;
      resumed[slot] = i;
    }
    append(sequence, token, position, prompt, producing);
    if (producing) {
      numProducing++;
    }
  }

  /**
   * Adds a prompt as far as it is read. Tokens that were read before go on from where they are.
   *
   * @param tokens the prompt
   * @param count tokens read, at least those of the last time
   * @param depth layers that all of them have run at the end of the step; with all layers, which is
   *     the end of the reading, the last token produces logits
   */
  public void read(SequenceState sequence, int[] tokens, int count, int depth, int numLayers) {
    boolean ends = depth == numLayers;
    for (int position = 0; position < count; position++) {
      boolean produces = ends && position == count - 1;
      int slot = append(sequence, tokens[position], position, true, produces);
      until[slot] = depth;
      if (position < sequence.deferred.size()) {
        resumed[slot] = position;
        from[slot] = sequence.deferred.from(position);
      }
      numProducing += produces ? 1 : 0;
    }
  }

  /**
   * Adds a slot that drafts the token behind it with part of the model.
   *
   * @param draftPlan the same for all slots of a round
   */
  public void draft(SequenceState sequence, int token, int position, DraftPlan draftPlan) {
    plan[append(sequence, token, position, false, true)] = draftPlan;
    numProducing++;
  }

  /**
   * Adds the slots of a round for verification by the whole model; each produces logits. What the
   * drafts have in common with the whole model is taken from them, the rest of what they left is
   * forgotten.
   *
   * @param tokens the last token that is certain, then the drafted ones
   * @param first position of the first one
   */
  public void verify(SequenceState sequence, int[] tokens, int count, int first) {
    sequence.forgetDrafts(first, count);
    for (int i = 0; i < count; i++) {
      int slot = append(sequence, tokens[i], first + i, false, true);
      verified[slot] = true;
      if (i < sequence.deferred.size()) {
        resumed[slot] = i;
        from[slot] = sequence.deferred.from(i);
      }
    }
    numProducing += count;
  }

  private int append(
      SequenceState sequence, int token, int position, boolean isPrompt, boolean produces) {
    if (size == tokens.length) {
      grow();
    }
    sequences[size] = sequence;
    tokens[size] = token;
    positions[size] = position;
    prompt[size] = isPrompt;
    producing[size] = produces;
    from[size] = 0;
    until[size] = ALL;
    leader[size] = -1;
    verified[size] = false;
    resumed[size] = -1;
    return size++;
  }

  /** Number of slots, those that ride included. */
  public int size() {
    return size;
  }

  boolean rides(int slot) {
    return leader[slot] >= 0;
  }

  /** Whether a slot belongs to a prompt that is read in pieces. */
  boolean reads(int slot) {
    return until[slot] != ALL;
  }

  /** Whether a slot's work counts with a token that it produces, now or later. */
  boolean counts(int slot) {
    return producing[slot]
        || rides(slot)
        || (reads(slot) && positions[slot] == sequences[slot].row.promptTokens() - 1);
  }

  private void grow() {
    int capacity = 2 * size;
    sequences = Arrays.copyOf(sequences, capacity);
    tokens = Arrays.copyOf(tokens, capacity);
    positions = Arrays.copyOf(positions, capacity);
    prompt = Arrays.copyOf(prompt, capacity);
    producing = Arrays.copyOf(producing, capacity);
    from = Arrays.copyOf(from, capacity);
    until = Arrays.copyOf(until, capacity);
    leader = Arrays.copyOf(leader, capacity);
    plan = Arrays.copyOf(plan, capacity);
    verified = Arrays.copyOf(verified, capacity);
    resumed = Arrays.copyOf(resumed, capacity);
  }
}
