package dev.nightjar.engine.tokenizer;

import java.util.Arrays;

/**
 * Which pairs of tokens merge, in which order and into what. Filled once, then safe for concurrent
 * reads.
 */
final class MergeTable {
  private final LongIntMap indexOfPair;
  private int[] ranks;
  private int[] results;
  private int size;

  MergeTable(int expectedSize) {
    indexOfPair = new LongIntMap(expectedSize);
    ranks = new int[Math.max(16, expectedSize)];
    results = new int[ranks.length];
  }

  /** Adds a merge; a later one of the same pair replaces the earlier one. */
  void add(int left, int right, int rank, int result) {
    if (size == ranks.length) {
      ranks = Arrays.copyOf(ranks, size * 2);
      results = Arrays.copyOf(results, size * 2);
    }
    indexOfPair.put(LongIntMap.key(left, right), size);
    ranks[size] = rank;
    results[size] = result;
    size++;
  }

  /** Index of the pair's merge, or {@link LongIntMap#MISSING}. */
  int find(int left, int right) {
    return indexOfPair.get(LongIntMap.key(left, right));
  }

  int rank(int index) {
    return ranks[index];
  }

  int result(int index) {
    return results[index];
  }

  int size() {
    return size;
  }
}
