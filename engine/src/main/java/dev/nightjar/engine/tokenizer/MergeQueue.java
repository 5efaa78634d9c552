package dev.nightjar.engine.tokenizer;

import java.util.Arrays;

/**
 * Merges the pairs of one long word in O(n log n): a linked list of symbols and a heap of (rank,
 * position).
 */
final class MergeQueue {
  private final MergeTable merges;
  private final int[] symbols;
  private final int[] next;
  private final int[] previous;
  private long[] heap;
  private int heapSize;

  MergeQueue(MergeTable merges, int[] symbols) {
    this.merges = merges;
    this.symbols = symbols;
    int count = symbols.length;
    next = new int[count];
    previous = new int[count];
    for (int i = 0; i < count; i++) {
      next[i] = i + 1 < count ? i + 1 : -1;
      previous[i] = i - 1;
    }
    heap = new long[Math.max(16, count)];
  }

  /** Merges in place and returns the number of symbols left. */
  int merge() {
    for (int i = 0; i >= 0; i = next[i]) {
      offer(i);
    }
    while (heapSize > 0) {
      long top = poll();
      int left = (int) top;
      int right = symbols[left] < 0 ? -1 : next[left];
      if (right < 0) {
        continue;
      }
      int merge = merges.find(symbols[left], symbols[right]);
      if (merge < 0 || merges.rank(merge) != (int) (top >>> 32)) {
        continue; // the pair has changed since it was queued
      }
      symbols[left] = merges.result(merge);
      symbols[right] = -1;
      next[left] = next[right];
      if (next[right] >= 0) {
        previous[next[right]] = left;
      }
      if (previous[left] >= 0) {
        offer(previous[left]);
      }
      offer(left);
    }
    int count = 0;
    for (int i = 0; i >= 0; i = next[i]) {
      symbols[count++] = symbols[i];
    }
    return count;
  }

  private void offer(int left) {
    int right = next[left];
    if (right < 0) {
      return;
    }
    int merge = merges.find(symbols[left], symbols[right]);
    if (merge < 0) {
      return;
    }
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, heapSize + (heapSize >> 1));
    }
    long entry = LongIntMap.key(merges.rank(merge), left);
    int i = heapSize++;
    while (i > 0) {
      int parent = (i - 1) >>> 1;
      if (heap[parent] <= entry) {
        break;
      }
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }

  private long poll() {
    long top = heap[0];
    long last = heap[--heapSize];
    int i = 0;
    while (true) {
      int child = 2 * i + 1;
      if (child >= heapSize) {
        break;
      }
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
