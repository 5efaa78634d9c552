package dev.nightjar.job.bench;

import java.lang.management.ManagementFactory;
import java.lang.management.MemoryUsage;
import java.util.concurrent.locks.LockSupport;

/** Looks at this process's memory several times a second and remembers the most it saw. */
final class MemoryWatch implements AutoCloseable {
  private static final long EVERY_NANOS = 50_000_000;

  private final Thread thread;
  private volatile boolean closed;
  private Peak peak = new Peak(0, 0, 0);

  /**
   * The most of each, in bytes.
   *
   * @param resident memory of the process in RAM, mapped files included
   * @param heap in use, garbage included
   * @param outside resident beyond what the heap has taken from the system
   */
  record Peak(long resident, long heap, long outside) {
    Peak or(Peak other) {
      return new Peak(
          Math.max(resident, other.resident),
          Math.max(heap, other.heap),
          Math.max(outside, other.outside));
    }
  }

  MemoryWatch() {
    thread = Thread.ofPlatform().daemon().name("memory-watch").start(this::watch);
  }

  private void watch() {
    while (!closed) {
      look();
      LockSupport.parkNanos(EVERY_NANOS);
    }
  }

  private synchronized void look() {
    MemoryUsage heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage();
    long resident = Machine.residentBytes();
    peak = peak.or(new Peak(resident, heap.getUsed(), resident - heap.getCommitted()));
  }

  /** The most so far. */
  synchronized Peak peak() {
    look();
    return peak;
  }

  @Override
  public void close() {
    closed = true;
    LockSupport.unpark(thread);
  }
}
