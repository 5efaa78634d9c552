package dev.nightjar.engine.model;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Sixteen entries of one layer's keys and values. Sequences may share a page: what is written in it
 * never changes, and only the sequence that took it from the pool writes on behind. It goes back to
 * the pool with its last holder. Holding and dropping it is safe from any thread.
 */
final class KvPage {
  final MemorySegment memory;
  private final AtomicInteger holders = new AtomicInteger();

  KvPage(MemorySegment memory) {
    this.memory = memory;
  }

  void hold() {
    holders.incrementAndGet();
  }

  /** Returns whether that was the last holder. */
  boolean drop() {
    return holders.decrementAndGet() == 0;
  }
}
