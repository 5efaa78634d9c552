package dev.nightjar.engine.tokenizer;

import java.util.Arrays;

/** A growing list of ints. */
final class IntList {
  private int[] items = new int[32];
  private int size;

  void add(int item) {
    if (size == items.length) {
      items = Arrays.copyOf(items, items.length * 2);
    }
    items[size++] = item;
  }

  void addAll(int[] more) {
    addAll(more, more.length);
  }

  void addAll(int[] more, int count) {
    if (size + count > items.length) {
      items = Arrays.copyOf(items, Math.max(items.length * 2, size + count));
    }
    System.arraycopy(more, 0, items, size, count);
    size += count;
  }

  int size() {
    return size;
  }

  int[] toArray() {
    return Arrays.copyOf(items, size);
  }
}
