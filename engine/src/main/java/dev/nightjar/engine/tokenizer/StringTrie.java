package dev.nightjar.engine.tokenizer;

import java.util.Arrays;

/**
 * Strings with a number each, to walk character by character. Filled once, then safe for concurrent
 * reads.
 */
final class StringTrie {
  /** The node of the empty string. */
  static final int ROOT = 0;

  private final LongIntMap children;
  private int[] values = new int[64];
  private int nodes = 1;

  StringTrie(int expectedNodes) {
    children = new LongIntMap(expectedNodes);
    values[ROOT] = -1;
  }

  /** Adds a string that is not empty; of equal ones the first keeps its number. */
  void add(String string, int value) {
    int node = ROOT;
    for (int i = 0; i < string.length(); i++) {
      long key = LongIntMap.key(node, string.charAt(i));
      int child = children.get(key);
      if (child < 0) {
        if (nodes == values.length) {
          values = Arrays.copyOf(values, nodes * 2);
        }
        child = nodes++;
        values[child] = -1;
        children.put(key, child);
      }
      node = child;
    }
    if (node != ROOT && values[node] < 0) {
      values[node] = value;
    }
  }

  /** The node behind this character, or negative if no string goes on like that. */
  int next(int node, char c) {
    return children.get(LongIntMap.key(node, c));
  }

  /** The number of the string that ends here, or -1. */
  int value(int node) {
    return values[node];
  }

  boolean isEmpty() {
    return nodes == 1;
  }
}
