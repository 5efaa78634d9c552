package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.Kernels;

/**
 * Keys and values of a block of prompt tokens and, through its parent, of all tokens before it,
 * kept apart from the sequence that computed them. What it lists of a layer are the pages that the
 * block's entries are in; the first of them may be the parent's last one, filled further, or a copy
 * of it.
 *
 * <p>Immutable. It holds its pages until {@link #release}; whoever shares it calls {@link
 * SequenceState#adopt} and {@link #release} under one lock.
 */
public final class KvPrefix {
  private final KvPrefix parent;
  private final int tokens;

  /** {@code [layers]} entries of a layer for all tokens up to here. */
  private final int[] lengths;

  /** {@code [layers]} pages from number {@link #firstPage} on. */
  private final KvPage[][] pages;

  /** {@code [layers]} positions of the block's own entries; null where the model has no windows. */
  private final int[][] positions;

  KvPrefix(KvPrefix parent, int tokens, int[] lengths, KvPage[][] pages, int[][] positions) {
    this.parent = parent;
    this.tokens = tokens;
    this.lengths = lengths;
    this.pages = pages;
    this.positions = positions;
  }

  /** Tokens up to here, those of the parent included. */
  public int tokens() {
    return tokens;
  }

  /** Entries of a layer for all tokens up to here. */
  int length(int layer) {
    return lengths[layer];
  }

  /** Pages that are listed of a layer. */
  KvPage[] pages(int layer) {
    return pages[layer];
  }

  /** Positions of the tokens of the entries that a layer has on top of the parent's. */
  int[] positions(int layer) {
    return positions[layer];
  }

  /** Number of the first page listed of a layer. */
  int firstPage(int layer) {
    return parent == null ? 0 : parent.lengths[layer] / Kernels.PAGE;
  }

  /** Bytes of its pages, without those that its parent lists too. */
  public long byteSize(KvPool pool) {
    long count = 0;
    for (int layer = 0; layer < pages.length; layer++) {
      int first = firstPage(layer);
      for (int i = 0; i < pages[layer].length; i++) {
        count += parent != null && parent.lists(layer, first + i, pages[layer][i]) ? 0 : 1;
      }
    }
    return count * pool.layout().pageBytes();
  }

  private boolean lists(int layer, int number, KvPage page) {
    int index = number - firstPage(layer);
    if (index < 0 || pages[layer].length == 0) {
      return parent != null && parent.lists(layer, number, page);
    }
    return index < pages[layer].length && pages[layer][index] == page;
  }

  /** Lets go of its pages; those that nobody else holds go back to the pool. */
  public void release(KvPool pool) {
    for (KvPage[] ofLayer : pages) {
      for (KvPage page : ofLayer) {
        pool.drop(page);
      }
    }
  }
}
