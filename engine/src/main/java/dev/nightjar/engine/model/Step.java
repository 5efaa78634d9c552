package dev.nightjar.engine.model;

import java.util.Arrays;

/**
 * The slots of one forward pass. Slots of a sequence are contiguous and in position order;
 * sequences come in any order. Reused from step to step; confined to one thread.
 */
public final class Step {
  SequenceState[] sequences = new SequenceState[64];
  int[] tokens = new int[64];
  int[] positions = new int[64];
  boolean[] prompt = new boolean[64];
  boolean[] producing = new boolean[64];
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
    if (size == tokens.length) {
      grow();
    }
    sequences[size] = sequence;
    tokens[size] = token;
    positions[size] = position;
    this.prompt[size] = prompt;
    this.producing[size] = producing;
    size++;
    if (producing) {
      numProducing++;
    }
  }

  /** Number of slots. */
  public int size() {
    return size;
  }

  private void grow() {
    int capacity = 2 * size;
    sequences = Arrays.copyOf(sequences, capacity);
    tokens = Arrays.copyOf(tokens, capacity);
    positions = Arrays.copyOf(positions, capacity);
    prompt = Arrays.copyOf(prompt, capacity);
    producing = Arrays.copyOf(producing, capacity);
  }
}
