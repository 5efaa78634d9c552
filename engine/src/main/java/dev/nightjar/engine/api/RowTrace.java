package dev.nightjar.engine.api;

import java.util.Arrays;
import java.util.BitSet;

/**
 * Which layers each slot of a row ran. Slots are counted as in {@link ComputeStats}: every prompt
 * token, then every generated token but the last. Immutable.
 */
public final class RowTrace {
  private final int[] promptTokens;
  private final int cachedSlots;
  private final int wordsPerSlot;
  private final long[] words;

  /**
   * Of a row that has ended.
   *
   * @param promptTokens ids of the prompt's tokens, as it was given
   * @param cachedSlots how many of the first slots another row computed
   * @param words {@code [slots, wordsPerSlot]}: a bit for each layer, those of 64 layers a word
   */
  public RowTrace(int[] promptTokens, int cachedSlots, int wordsPerSlot, long[] words) {
    this.promptTokens = promptTokens.clone();
    this.cachedSlots = cachedSlots;
    this.wordsPerSlot = wordsPerSlot;
    this.words = words.clone();
  }

  /** Ids of the prompt's tokens. */
  public int[] promptTokens() {
    return promptTokens.clone();
  }

  /** How many of the first slots another row computed; they ran nothing for this one. */
  public int cachedSlots() {
    return cachedSlots;
  }

  /** Number of slots, the cached ones included. */
  public int slots() {
    return words.length / wordsPerSlot;
  }

  /** The layers that a slot ran. */
  public BitSet layers(int slot) {
    return BitSet.valueOf(
        Arrays.copyOfRange(words, slot * wordsPerSlot, (slot + 1) * wordsPerSlot));
  }
}
