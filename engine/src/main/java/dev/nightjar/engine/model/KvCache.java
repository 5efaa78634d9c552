package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.KvLayout;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Keys and values of one sequence, packed per layer: a layer holds entries only for the slots it
 * ran (or was projected for), in position order, in pages of {@link Kernels#PAGE} entries. Skipped
 * slots are simply not there (D-LLM's eviction). Keys are stored rotated to their absolute
 * position, so packing never moves them.
 *
 * <p>Pages come from a {@link KvPages} pool and go back with {@link #release()}. Sequences with a
 * common beginning share its pages, layer by layer; the last one, if it is partly filled, is copied
 * by whoever did not take it from the pool and is about to append to it. Confined to its decoder's
 * thread.
 */
final class KvCache {
  private final KvPages pool;
  private final KvLayout layout;
  private final int[] lengths;
  private final KvPage[][] pages;
  private final MemorySegment[][] memory;

  /** {@code [layers]} first pages of a layer that are not this sequence's to write. */
  private final int[] foreign;

  /** {@code [layers]} first entries that other sequences may read. */
  private final int[] shared;

  /**
   * {@code [layers][blocks]} entries of a layer after each block of tokens; null if nobody asks.
   */
  private int[][] marks;

  /** {@code [layers][entries]} positions of the entries' tokens; null if nobody asks. */
  private final int[][] positions;

  /**
   * An empty cache.
   *
   * @param positioned whether {@link #firstFrom} is asked for
   */
  KvCache(int layers, KvPages pool, boolean positioned) {
    this.pool = pool;
    this.layout = pool.layout();
    this.lengths = new int[layers];
    this.pages = new KvPage[layers][4];
    this.memory = new MemorySegment[layers][4];
    this.foreign = new int[layers];
    this.shared = new int[layers];
    this.positions = positioned ? new int[layers][Kernels.PAGE] : null;
  }

  /** A cache that begins with all entries of this one. */
  KvCache fork() {
    KvCache fork = new KvCache(lengths.length, pool, positions != null);
    for (int layer = 0; layer < lengths.length; layer++) {
      int used = pagesOf(lengths[layer]);
      for (int page = 0; page < used; page++) {
        pages[layer][page].hold();
        fork.put(layer, page, pages[layer][page]);
      }
      fork.lengths[layer] = lengths[layer];
      if (positions != null) {
        fork.positions[layer] = positions[layer].clone();
      }
      fork.shared[layer] = lengths[layer];
      fork.foreign[layer] = used;
      shared[layer] = Math.max(shared[layer], lengths[layer]);
    }
    return fork;
  }

  /**
   * Notes from now on how many entries each of the first blocks of {@code PAGE} tokens ends with.
   */
  void markBlocks(int blocks) {
    marks = new int[lengths.length][blocks];
  }

  /**
   * The entries of the block of tokens behind a prefix, which every layer is through with.
   *
   * @param parent the blocks before, or null; what this cache begins with
   */
  KvPrefix prefix(KvPrefix parent) {
    int tokens = parent == null ? 0 : parent.tokens();
    int[] ends = new int[lengths.length];
    KvPage[][] kept = new KvPage[lengths.length][];
    int[][] keptPositions = positions == null ? null : new int[lengths.length][];
    for (int layer = 0; layer < lengths.length; layer++) {
      int start = parent == null ? 0 : parent.length(layer);
      int end = Math.max(start, marks[layer][tokens / Kernels.PAGE]);
      ends[layer] = end;
      if (positions != null) {
        keptPositions[layer] = Arrays.copyOfRange(positions[layer], start, end);
      }
      kept[layer] =
          end == start
              ? new KvPage[0]
              : Arrays.copyOfRange(pages[layer], start / Kernels.PAGE, pagesOf(end));
      for (KvPage page : kept[layer]) {
        page.hold();
      }
      shared[layer] = Math.max(shared[layer], end);
    }
    return new KvPrefix(parent, tokens + Kernels.PAGE, ends, kept, keptPositions);
  }

  /** Goes on with a block that another sequence computed; this cache ends with its parent. */
  void adopt(KvPrefix block) {
    for (int layer = 0; layer < lengths.length; layer++) {
      KvPage[] added = block.pages(layer);
      for (int i = 0; i < added.length; i++) {
        int number = block.firstPage(layer) + i;
        if (number < pagesOf(lengths[layer])) {
          pool.give(pages[layer][number]);
        }
        added[i].hold();
        put(layer, number, added[i]);
      }
      if (positions != null) {
        int[] more = block.positions(layer);
        ensurePositions(layer, block.length(layer));
        System.arraycopy(more, 0, positions[layer], lengths[layer], more.length);
      }
      lengths[layer] = block.length(layer);
      shared[layer] = lengths[layer];
      foreign[layer] = pagesOf(lengths[layer]);
    }
  }

  /** What the pages look like. */
  KvLayout layout() {
    return layout;
  }

  /** Entries of a layer. */
  int length(int layer) {
    return lengths[layer];
  }

  /** Pages of a layer; those behind the last entry are null. */
  MemorySegment[] pages(int layer) {
    return memory[layer];
  }

  /**
   * Appends one entry.
   *
   * @param position of its token; ascending from call to call of a layer
   * @param key {@code [K*D]} from {@code offset}, rotated
   * @param value {@code [K*D]} from {@code offset}
   */
  void append(int layer, int position, float[] key, float[] value, int offset) {
    int index = lengths[layer]++;
    int page = index / Kernels.PAGE;
    int lane = index % Kernels.PAGE;
    if (lane == 0) {
      put(layer, page, pool.take());
    } else if (page < foreign[layer]) {
      own(layer, page);
    }
    layout.write(memory[layer][page], lane, key, value, offset);
    if (positions != null) {
      ensurePositions(layer, index + 1);
      positions[layer][index] = position;
    }
    if (marks != null && position / Kernels.PAGE < marks[layer].length) {
      marks[layer][position / Kernels.PAGE] = lengths[layer];
    }
  }

  private void ensurePositions(int layer, int entries) {
    if (positions[layer].length < entries) {
      int capacity = Math.max(entries, 2 * positions[layer].length);
      positions[layer] = Arrays.copyOf(positions[layer], capacity);
    }
  }

  /** The first entry of a layer whose token is at {@code position} or behind it. */
  int firstFrom(int layer, int position) {
    if (position <= 0) {
      return 0;
    }
    int found = Arrays.binarySearch(positions[layer], 0, lengths[layer], position);
    return found < 0 ? -found - 1 : found;
  }

  private void own(int layer, int page) {
    KvPage original = pages[layer][page];
    KvPage copy = pool.take();
    copy.memory.copyFrom(original.memory);
    pool.give(original);
    put(layer, page, copy);
    foreign[layer] = page;
  }

  private void put(int layer, int index, KvPage page) {
    if (index == pages[layer].length) {
      pages[layer] = Arrays.copyOf(pages[layer], index * 2);
      memory[layer] = Arrays.copyOf(memory[layer], index * 2);
    }
    pages[layer][index] = page;
    memory[layer][index] = page == null ? null : page.memory;
  }

  /**
   * Bytes of the entries of all layers, shared ones included, not counting the unused part of
   * pages.
   */
  long byteSize() {
    long entries = 0;
    for (int length : lengths) {
      entries += length;
    }
    return entries * layout.entryBytes();
  }

  /** Forgets the entries of a layer behind the first {@code length}; free pages go back. */
  void truncate(int layer, int length) {
    if (length >= lengths[layer]) {
      return;
    }
    int left = pagesOf(length);
    for (int page = left; page < pagesOf(lengths[layer]); page++) {
      pool.give(pages[layer][page]);
      put(layer, page, null);
    }
    lengths[layer] = length;
    // What others may read of the page that is now the last one must not be written over.
    foreign[layer] = shared[layer] > length ? left : Math.min(foreign[layer], left);
    shared[layer] = Math.min(shared[layer], length);
  }

  private static int pagesOf(int entries) {
    return (entries + Kernels.PAGE - 1) / Kernels.PAGE;
  }

  /** Gives all pages back; the cache is empty afterwards. */
  void release() {
    for (int layer = 0; layer < lengths.length; layer++) {
      truncate(layer, 0);
    }
  }
}
