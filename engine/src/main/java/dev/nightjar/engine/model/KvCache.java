package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.Kernels;
import java.util.Arrays;

/**
 * Keys and values of one sequence, packed per layer: a layer holds entries only for the slots it
 * ran (or was projected for), in position order, in pages of {@link Kernels#PAGE} entries. Skipped
 * slots are simply not there (D-LLM's eviction). Keys are stored rotated to their absolute
 * position, so packing never moves them.
 *
 * <p>Pages come from a {@link KvPages} pool and go back with {@link #release()}. Confined to its
 * decoder's thread.
 */
final class KvCache {
  private final KvPages pages;
  private final int headDim;
  private final int kvHeads;
  private final int[] lengths;
  private final float[][][] keys;
  private final float[][][] values;

  KvCache(int layers, int kvHeads, int headDim, KvPages pages) {
    this.pages = pages;
    this.kvHeads = kvHeads;
    this.headDim = headDim;
    this.lengths = new int[layers];
    this.keys = new float[layers][4][];
    this.values = new float[layers][4][];
  }

  /** Entries of a layer. */
  int length(int layer) {
    return lengths[layer];
  }

  /**
   * Pages of keys of a layer, each {@code [K, D, PAGE]}; those behind the last entry are null or
   * stale.
   */
  float[][] keyPages(int layer) {
    return keys[layer];
  }

  /** Pages of values of a layer, each {@code [K, PAGE, D]}. */
  float[][] valuePages(int layer) {
    return values[layer];
  }

  /**
   * Appends one entry.
   *
   * @param key {@code [K*D]} from {@code offset}, rotated
   * @param value {@code [K*D]} from {@code offset}
   */
  void append(int layer, float[] key, float[] value, int offset) {
    int index = lengths[layer]++;
    int page = index / Kernels.PAGE;
    int lane = index % Kernels.PAGE;
    if (page == keys[layer].length) {
      keys[layer] = Arrays.copyOf(keys[layer], page * 2);
      values[layer] = Arrays.copyOf(values[layer], page * 2);
    }
    if (lane == 0) {
      keys[layer][page] = pages.take();
      values[layer][page] = pages.take();
    }
    float[] keyPage = keys[layer][page];
    float[] valuePage = values[layer][page];
    for (int i = 0; i < kvHeads * headDim; i++) {
      keyPage[i * Kernels.PAGE + lane] = key[offset + i];
    }
    for (int head = 0; head < kvHeads; head++) {
      System.arraycopy(
          value,
          offset + head * headDim,
          valuePage,
          (head * Kernels.PAGE + lane) * headDim,
          headDim);
    }
  }

  /**
   * Bytes of the entries of all layers (fp32 keys and values), not counting the unused part of
   * pages.
   */
  long byteSize() {
    long entries = 0;
    for (int length : lengths) {
      entries += length;
    }
    return entries * entryBytes(kvHeads * headDim);
  }

  /** Bytes of one entry: a key and a value in fp32. */
  static long entryBytes(int kvDim) {
    return 2L * Float.BYTES * kvDim;
  }

  /** Forgets the entries of a layer behind the first {@code length}; free pages go back. */
  void truncate(int layer, int length) {
    int used = pagesOf(lengths[layer]);
    for (int page = pagesOf(length); page < used; page++) {
      pages.give(keys[layer][page]);
      pages.give(values[layer][page]);
      keys[layer][page] = null;
      values[layer][page] = null;
    }
    lengths[layer] = Math.min(lengths[layer], length);
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
