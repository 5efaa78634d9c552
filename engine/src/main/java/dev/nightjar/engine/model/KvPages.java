package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.Kernels;
import java.util.ArrayDeque;

/**
 * The pages of keys and values of one decoder, reused from row to row. Confined to its decoder's
 * thread.
 */
public final class KvPages {
  private final ModelConfig config;
  private final int pageFloats;
  private final ArrayDeque<float[]> free = new ArrayDeque<>();
  private long pagesInUse;

  /** A pool for sequences of this model. */
  public KvPages(ModelConfig config) {
    this.config = config;
    this.pageFloats = config.kvDim() * Kernels.PAGE;
  }

  float[] take() {
    pagesInUse++;
    float[] page = free.pollLast();
    return page == null ? new float[pageFloats] : page;
  }

  void give(float[] page) {
    pagesInUse--;
    free.addLast(page);
  }

  /** Bytes of the pages that sequences hold now. */
  public long bytesInUse() {
    return pagesInUse * pageFloats * Float.BYTES;
  }

  /** Bytes that a sequence of this many positions holds at most, all layers executed. */
  public long worstCaseBytes(int positions) {
    long perLayer = (positions + Kernels.PAGE - 1) / Kernels.PAGE;
    return 2L * config.numLayers() * perLayer * pageFloats * Float.BYTES;
  }
}
