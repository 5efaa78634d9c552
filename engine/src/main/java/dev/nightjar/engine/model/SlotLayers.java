package dev.nightjar.engine.model;

import java.util.Arrays;

/** A growing list of slots with the layers that each ran, one bit a layer. One thread. */
final class SlotLayers {
  private static final int INITIAL_SLOTS = 64;

  private final int wordsPerSlot;
  private long[] words;
  private int slots;

  SlotLayers(int numLayers) {
    this.wordsPerSlot = Math.ceilDiv(numLayers, Long.SIZE);
    this.words = new long[INITIAL_SLOTS * wordsPerSlot];
  }

  private SlotLayers(SlotLayers origin) {
    this.wordsPerSlot = origin.wordsPerSlot;
    this.words = origin.words.clone();
    this.slots = origin.slots;
  }

  /** The same slots, to go on with apart. */
  SlotLayers copy() {
    return new SlotLayers(this);
  }

  /** Adds a slot that has run nothing. */
  void add() {
    slots++;
    if (slots * wordsPerSlot > words.length) {
      words = Arrays.copyOf(words, 2 * words.length);
    }
  }

  /** Notes that a slot ran a layer. */
  void set(int slot, int layer) {
    words[slot * wordsPerSlot + layer / Long.SIZE] |= 1L << layer;
  }

  /** Words of a slot. */
  int wordsPerSlot() {
    return wordsPerSlot;
  }

  /** {@code [slots, wordsPerSlot]}. */
  long[] toArray() {
    return Arrays.copyOf(words, slots * wordsPerSlot);
  }
}
