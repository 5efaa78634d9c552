package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Brings the weights of a product into the second-level cache while those before them are
 * multiplied. Java has no prefetch instruction, and a load that waits for memory soon stops the
 * multiply-adds behind it. But a processor fetches further lines of a page by itself once it sees a
 * page read forward, some lines ahead, in many pages side by side. So single lines of a few pages
 * are loaded in turns, spread over the multiply-adds: most have arrived when their turn comes, and
 * each sends for one further on. Pages one after the other, or all lines at once, take up to twice
 * as long as this.
 *
 * <p>For one thread at a time.
 */
final class Prefetcher {
  /** Lines to load without computing, at most: with more, the processor waits for them. */
  static final int BURST = 36;

  /** Bytes that come into the cache together. */
  static final int LINE = 64;

  /** What processors fetch ahead ends with a page, whatever the size of the system's pages. */
  private static final int PAGE = 4096;

  /** Pages in turns. */
  private static final int PAGES = 4;

  private static final int CHUNK = PAGES * PAGE;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  /** Lines of a page. */
  private static final int TURNS = PAGE / LINE;

  private MemorySegment data = MemorySegment.NULL;
  private long size;

  /** Where the first pages begin. */
  private long first;

  /** Lines that have been fetched of each page in turn, those of all chunks together. */
  private long turns;

  private int sum;

  Prefetcher() {}

  /** Begins a few pages into weights that are going to be read forward from their beginning. */
  void start(MemorySegment weights) {
    data = weights;
    size = weights.byteSize();
    first = CHUNK - weights.address() % PAGE;
    turns = 0;
  }

  /** Fetches further lines, as many as were multiplied since: those before {@code offset}. */
  void reach(long offset) {
    long due = offset / (PAGES * LINE);
    while (turns < due) {
      long chunk = first + turns / TURNS * CHUNK;
      if (chunk + CHUNK > size) {
        return;
      }
      int turn = (int) (turns % TURNS);
      int count = (int) Math.min(due - turns, TURNS - turn);
      sum += touch(data, chunk + turn * LINE, count); // no compiler may find it superfluous
      turns += count;
    }
  }

  /** Reads lines of each page. */
  private static int touch(MemorySegment weights, long first, int turns) {
    NativeMemory.require(weights);
    int touched = 0;
    for (int i = 0; i < turns; i++) {
      long at = first + i * LINE;
      touched += weights.get(INT, at);
      touched += weights.get(INT, at + PAGE);
      touched += weights.get(INT, at + 2 * PAGE);
      touched += weights.get(INT, at + 3 * PAGE);
    }
    return touched;
  }
}
