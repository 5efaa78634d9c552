package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Brings bytes of a packed matrix, or keys and values, into the second-level cache. Whoever stops
 * at every piece to compute with it fetches nothing meanwhile, and fetching starts anew with the
 * latency of memory, page by page. Reading a long stretch at once, from several pages in turns,
 * takes half the time. Java has no prefetch instruction to do it in the background.
 */
final class ReadAhead {
  /** Bytes that come into the cache together. */
  private static final long LINE = 64;

  /** Pages that are read in turns. */
  private static final int PAGES = 4;

  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

  private ReadAhead() {}

  /**
   * Reads an int of each line of the same part of several pages, of four of them in turns.
   *
   * @param offset of the part in each page
   * @return as {@link #touch(MemorySegment, long, long)} does
   */
  static int touch(MemorySegment[] pages, int first, int end, long offset, long bytes) {
    int sum = 0;
    for (int page = first; page < end; page += PAGES) {
      MemorySegment a = pages[page];
      MemorySegment b = pages[Math.min(page + 1, end - 1)];
      MemorySegment c = pages[Math.min(page + 2, end - 1)];
      MemorySegment d = pages[Math.min(page + 3, end - 1)];
      NativeMemory.require(a);
      NativeMemory.require(b);
      NativeMemory.require(c);
      NativeMemory.require(d);
      int lines = (int) (bytes / LINE);
      for (int i = 0; i < lines; i++) {
        long at = offset + i * LINE;
        sum += a.get(INT, at);
        sum += b.get(INT, at);
        sum += c.get(INT, at);
        sum += d.get(INT, at);
      }
    }
    return sum;
  }
}
