package dev.nightjar.engine.tokenizer;

import java.util.Arrays;

/**
 * Open-addressing map from non-negative longs to ints; filled once, then safe for concurrent reads.
 */
final class LongIntMap {
  static final int MISSING = -1;
  private static final long EMPTY = -1L;

  private long[] keys;
  private int[] values;
  private int size;

  LongIntMap(int expectedSize) {
    int capacity = Integer.highestOneBit(Math.max(8, expectedSize)) * 4;
    keys = new long[capacity];
    values = new int[capacity];
    Arrays.fill(keys, EMPTY);
  }

  static long key(int high, int low) {
    return ((long) high << 32) | (low & 0xFFFFFFFFL);
  }

  int get(long key) {
    int mask = keys.length - 1;
    int slot = slot(key, mask);
    while (true) {
      long found = keys[slot];
      if (found == key) {
        return values[slot];
      }
      if (found == EMPTY) {
        return MISSING;
      }
      slot = (slot + 1) & mask;
    }
  }

  void put(long key, int value) {
    if (size * 2 >= keys.length) {
      grow();
    }
    int mask = keys.length - 1;
    int slot = slot(key, mask);
    while (keys[slot] != EMPTY && keys[slot] != key) {
      slot = (slot + 1) & mask;
    }
    if (keys[slot] == EMPTY) {
      size++;
    }
    keys[slot] = key;
    values[slot] = value;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldValues = values;
    keys = new long[oldKeys.length * 2];
    values = new int[oldKeys.length * 2];
    Arrays.fill(keys, EMPTY);
    size = 0;
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldKeys[i] != EMPTY) {
        put(oldKeys[i], oldValues[i]);
      }
    }
  }

  private static int slot(long key, int mask) {
    long mixed = key * 0x9E3779B97F4A7C15L;
    return (int) (mixed ^ (mixed >>> 32)) & mask;
  }
}
