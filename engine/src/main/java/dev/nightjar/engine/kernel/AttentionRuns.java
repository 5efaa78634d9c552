package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The slots of a step that attend, in runs: consecutive rows of one sequence, over its own entries.
 * Reused from layer to layer; for one thread that changes it, and any number that read meanwhile
 * nothing changes.
 */
public final class AttentionRuns {
  /** Query heads that are computed together at most, sharing each page that they read. */
  static final int MAX_QUERIES = 64;

  private AttentionShape[] shapes = new AttentionShape[16];
  private MemorySegment[][] pages = new MemorySegment[16][];
  private int[] firstRows = new int[16];
  private int[] rows = new int[16];
  private int size;

  /** Forgets all runs. */
  public void clear() {
    Arrays.fill(shapes, 0, size, null);
    Arrays.fill(pages, 0, size, null);
    size = 0;
  }

  /** Adds a run of at least one row; parameters as of {@link Kernels#attend}. */
  public void add(AttentionShape shape, MemorySegment[] entries, int firstRow, int count) {
    if (size == rows.length) {
      shapes = Arrays.copyOf(shapes, 2 * size);
      pages = Arrays.copyOf(pages, 2 * size);
      firstRows = Arrays.copyOf(firstRows, 2 * size);
      rows = Arrays.copyOf(rows, 2 * size);
    }
    shapes[size] = shape;
    pages[size] = entries;
    firstRows[size] = firstRow;
    rows[size] = count;
    size++;
  }

  int size() {
    return size;
  }

  AttentionShape shape(int run) {
    return shapes[run];
  }

  MemorySegment[] pages(int run) {
    return pages[run];
  }

  int firstRow(int run) {
    return firstRows[run];
  }

  int rows(int run) {
    return rows[run];
  }

  /** Inner products of all runs, a query's width times the entries that it attends to. */
  long products(int[] from, int[] visible) {
    long products = 0;
    for (int run = 0; run < size; run++) {
      int first = firstRows[run];
      int entries = visible[first + rows[run] - 1] - (from == null ? 0 : from[first]);
      products += (long) rows[run] * entries * shapes[run].queryDim();
    }
    return products;
  }

  /** Parts of a run that threads compute independently: a block of rows for a key/value head. */
  int parts(int run) {
    return blocks(run) * shapes[run].keysValues().kvHeads();
  }

  private int blocks(int run) {
    int block = block(run);
    return (rows[run] + block - 1) / block;
  }

  private int block(int run) {
    return Math.max(1, MAX_QUERIES / shapes[run].groupSize());
  }

  /** Computes one part of a run. */
  void attend(
      Kernels kernels,
      int run,
      int part,
      float[] q,
      float[] out,
      int[] from,
      int[] visible,
      Scratch scratch) {
    int blocks = blocks(run);
    int block = block(run);
    int done = part % blocks * block;
    int first = firstRows[run] + done;
    int count = Math.min(block, rows[run] - done);
    kernels.attendHead(
        shapes[run], part / blocks, q, out, first, count, pages[run], from, visible, scratch);
  }
}
