package dev.nightjar.engine.model;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.KvLayout;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Off-heap memory for the keys and values of one engine, in pages that all its decoders share. It
 * grows with the most pages that were ever held at once, and lives as long as its arena. Safe for
 * concurrent use; decoders take pages through {@link KvPages}.
 *
 * <p>The limit is kept by reservation: a row reserves the most it can ever hold before it starts,
 * so a row that has started never waits.
 */
public final class KvPool {
  private static final long MAX_SLAB_BYTES = 8L << 20;
  private static final long MIN_SLAB_PAGES = 16;

  private final KvLayout layout;
  private final int layers;
  private final long maxBytes;
  private final Arena arena;
  private final ArrayDeque<KvPage> free = new ArrayDeque<>();
  private final AtomicLong pagesInUse = new AtomicLong();
  private final AtomicInteger waitingRows = new AtomicInteger();
  private long pages;
  private long reserved;

  /**
   * An empty pool.
   *
   * @param maxBytes most bytes that rows may reserve; 0 is unlimited
   * @param arena where pages are allocated, one that all threads may use
   */
  public KvPool(ModelConfig config, KvType type, long maxBytes, Arena arena) {
    this.layout = new KvLayout(type, config.numKvHeads(), config.headDim());
    this.layers = config.numLayers();
    this.maxBytes = maxBytes;
    this.arena = arena;
  }

  /** What its pages look like. */
  public KvLayout layout() {
    return layout;
  }

  /** Most bytes that rows may reserve; 0 is unlimited. */
  public long maxBytes() {
    return maxBytes;
  }

  /** Bytes that a sequence of this many positions holds at most, every layer executed once. */
  public long worstCaseBytes(int positions) {
    long perLayer = (positions + Kernels.PAGE - 1) / Kernels.PAGE;
    return layers * perLayer * layout.pageBytes();
  }

  /** Bytes of the pages that are held now, by rows or by a prefix cache. */
  public long bytesInUse() {
    return pagesInUse.get() * layout.pageBytes();
  }

  /** Bytes of all pages, the free ones included. */
  public synchronized long bytesAllocated() {
    return pages * layout.pageBytes();
  }

  /**
   * Reserves memory for a row, if there is room.
   *
   * @param onlyRow whether the row's decoder has no other; such a row goes ahead in any case, so
   *     that decoders that wait for each other's rows are never stuck. The limit is then exceeded,
   *     by one row per decoder at most
   */
  public synchronized boolean reserve(long bytes, boolean onlyRow) {
    if (maxBytes > 0 && reserved + bytes > maxBytes && !onlyRow) {
      return false;
    }
    reserved += bytes;
    return true;
  }

  /** Ends a reservation. */
  public synchronized void cancel(long bytes) {
    reserved -= bytes;
  }

  /** Books that {@code change} more rows wait for room. */
  public void countWaiting(int change) {
    waitingRows.addAndGet(change);
  }

  /** Rows that could start now if there were room for them. */
  public int waitingRows() {
    return waitingRows.get();
  }

  /** Bytes reserved now. */
  public synchronized long bytesReserved() {
    return reserved;
  }

  /** Moves free pages to a decoder's own; at least one. */
  synchronized void take(ArrayDeque<KvPage> to, int count) {
    if (free.isEmpty()) {
      grow();
    }
    for (int i = 0; i < count && !free.isEmpty(); i++) {
      to.addLast(free.pollLast());
    }
  }

  /** Takes pages back from a decoder's own until it has {@code keep}. */
  synchronized void give(ArrayDeque<KvPage> from, int keep) {
    while (from.size() > keep) {
      free.addLast(from.pollLast());
    }
  }

  /** Drops a page that no decoder's thread holds; it goes back with its last holder. */
  void drop(KvPage page) {
    if (page.drop()) {
      countHeld(-1);
      synchronized (this) {
        free.addLast(page);
      }
    }
  }

  private void grow() {
    long most = Math.max(1, MAX_SLAB_BYTES / layout.pageBytes());
    long count = Math.min(most, Math.max(MIN_SLAB_PAGES, pages));
    MemorySegment slab = arena.allocate(count * layout.pageBytes(), KvLayout.ALIGNMENT);
    for (long i = 0; i < count; i++) {
      free.addLast(new KvPage(slab.asSlice(i * layout.pageBytes(), layout.pageBytes())));
    }
    pages += count;
  }

  void countHeld(int change) {
    pagesInUse.addAndGet(change);
  }
}
