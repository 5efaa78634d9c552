package dev.nightjar.engine.model;

import java.util.Arrays;

/**
 * The slots of one forward pass. Slots of a sequence are contiguous and in position order;
 * sequences come in any order. Tokens of a sequence that wait to go on ({@link DeferredSlots}) ride
 * in front of its next generated token. Reused from step to step; confined to one thread.
 */
public final class Step {
  SequenceState[] sequences = new SequenceState[64];
  int[] tokens = new int[64];
  int[] positions = new int[64];
  boolean[] prompt = new boolean[64];
  boolean[] producing = new boolean[64];

  /** First layer a slot runs: above 0 for one that goes on. */
  int[] from = new int[64];

  /** Slot of the token that a slot rides with, or -1. */
  int[] leader = new int[64];

  int size;
  int numProducing;

  /** Empties the step. */
  public void clear() {
    Arrays.fill(sequences, 0, size, null);
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
    }
    append(sequence, token, position, prompt, producing);
    if (producing) {
      numProducing++;
    }
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
    leader[size] = -1;
    return size++;
  }

  /** Number of slots, those that ride included. */
  public int size() {
    return size;
  }

  boolean rides(int slot) {
    return leader[slot] >= 0;
  }

  private void grow() {
    int capacity = 2 * size;
    sequences = Arrays.copyOf(sequences, capacity);
    tokens = Arrays.copyOf(tokens, capacity);
    positions = Arrays.copyOf(positions, capacity);
    prompt = Arrays.copyOf(prompt, capacity);
    producing = Arrays.copyOf(producing, capacity);
    from = Arrays.copyOf(from, capacity);
    leader = Arrays.copyOf(leader, capacity);
  }
}
