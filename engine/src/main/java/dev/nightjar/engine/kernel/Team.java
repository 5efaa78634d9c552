package dev.nightjar.engine.kernel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A few platform threads that help one thread at a time with work of some microseconds. They wait
 * for work awake for a moment, then asleep. Helpers are daemons and start with the first work.
 */
final class Team implements AutoCloseable {
  /**
   * Longest wait awake, longer than any gap between two products of a step: waking a thread can
   * take as long as a product.
   */
  private static final long AWAKE_NANOS = 500_000;

  /** Longest sleep of a thread whose waking call came too early. */
  private static final long NAP_NANOS = 1_000_000;

  /** Work in equal shares that do not touch each other's results. */
  interface Work {
    /** Does one share. */
    void run(int share, int shares);
  }

  private final int size;
  private final AtomicBoolean taken = new AtomicBoolean();
  private final AtomicInteger unfinished = new AtomicInteger();
  private Helper[] helpers;
  private Work work;
  private volatile Throwable failure;
  private volatile Thread caller;
  private volatile boolean closed;

  /**
   * A team that has not started.
   *
   * @param size threads, the caller's included
   */
  Team(int size) {
    this.size = size;
  }

  private final class Helper extends Thread {
    private final int share;
    private volatile int wanted;
    private volatile boolean asleep;

    Helper(int share) {
      super("nightjar-helper-" + share);
      this.share = share;
      setDaemon(true);
      setUncaughtExceptionHandler((thread, cause) -> fail(cause));
    }

    @Override
    public void run() {
      int done = 0;
      while (!closed) {
        if (wanted == done) {
          rest(done);
          continue;
        }
        done++;
        work.run(share, size);
        finish();
      }
    }

    /** The thread ends; another one takes its place. */
    private void fail(Throwable cause) {
      failure = cause;
      Helper successor = new Helper(share);
      successor.start();
      helpers[share - 1] = successor;
      finish();
    }

    private void finish() {
      if (unfinished.decrementAndGet() == 0) {
        LockSupport.unpark(caller);
      }
    }

    private void rest(int done) {
      long start = System.nanoTime();
      while (wanted == done && System.nanoTime() - start < AWAKE_NANOS) {
        Thread.onSpinWait();
      }
      if (wanted == done && !closed) {
        asleep = true;
        if (wanted == done && !closed) {
          LockSupport.park(this);
        }
        asleep = false;
      }
    }

    void call() {
      // Only the thread that has taken the team counts on.
      int next = wanted + 1;
      wanted = next;
      if (asleep) {
        LockSupport.unpark(this);
      }
    }
  }

  /**
   * Does all shares of the work and returns true, or returns false while others use the team and
   * when it is closed. What a share throws is thrown here, once the others have ended.
   */
  boolean run(Work newWork) {
    if (closed || !taken.compareAndSet(false, true)) {
      return false;
    }
    try {
      if (helpers == null) {
        start();
      }
      work = newWork;
      failure = null;
      caller = Thread.currentThread();
      unfinished.set(helpers.length);
      for (Helper helper : helpers) {
        helper.call();
      }
      try {
        newWork.run(0, size);
      } finally {
        join();
      }
      switch (failure) {
        case null -> {
          return true;
        }
        case Error e -> throw e;
        case RuntimeException e -> throw e;
        case Throwable e -> throw new IllegalStateException(e);
      }
    } finally {
      taken.set(false);
    }
  }

  private void start() {
    helpers = new Helper[size - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Helper(i + 1);
      helpers[i].start();
    }
  }

  private void join() {
    long start = System.nanoTime();
    while (unfinished.get() > 0 && System.nanoTime() - start < AWAKE_NANOS) {
      Thread.onSpinWait();
    }
    while (unfinished.get() > 0) {
      LockSupport.parkNanos(this, NAP_NANOS);
    }
  }

  /** Ends the helpers; call it when nobody uses the team. */
  @Override
  public void close() {
    closed = true;
    if (helpers != null) {
      for (Helper helper : helpers) {
        LockSupport.unpark(helper);
      }
    }
  }
}
