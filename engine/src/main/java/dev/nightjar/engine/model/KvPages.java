package dev.nightjar.engine.model;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.kernel.KvLayout;
import java.lang.foreign.Arena;
import java.util.ArrayDeque;

/**
 * One decoder's way to the pages of its engine's {@link KvPool}: keeps a few free ones at hand, so
 * that decoders seldom meet. Confined to its decoder's thread.
 */
public final class KvPages {
  private static final int AT_HAND = 64;

  private final KvPool pool;
  private final ArrayDeque<KvPage> free = new ArrayDeque<>();

  /** A decoder's way to a pool. */
  public KvPages(KvPool pool) {
    this.pool = pool;
  }

  /** The way to a pool of its own: fp32, unlimited, freed by the garbage collector. */
  public KvPages(ModelConfig config) {
    this(new KvPool(config, KvType.F32, 0, Arena.ofAuto()));
  }

  /** The pool. */
  public KvPool pool() {
    return pool;
  }

  KvLayout layout() {
    return pool.layout();
  }

  /** A page whose contents are arbitrary, held once. */
  KvPage take() {
    if (free.isEmpty()) {
      pool.take(free, AT_HAND / 2);
    }
    KvPage page = free.pollLast();
    page.hold();
    pool.countHeld(1);
    return page;
  }

  /** Drops a page. */
  void give(KvPage page) {
    if (!page.drop()) {
      return;
    }
    pool.countHeld(-1);
    free.addLast(page);
    if (free.size() > AT_HAND) {
      pool.give(free, AT_HAND / 2);
    }
  }

  /** Gives the pages at hand back to the pool. */
  public void close() {
    pool.give(free, 0);
  }
}
