package dev.nightjar.udfs;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Ends an executor whose task is stuck inside a row, so that Spark tries elsewhere and {@link
 * RowJournal} finds the row. The decoder gives up rows that are over their time, but only between
 * steps; when nothing has come back for {@value #PATIENCE} times that long, it never will. A
 * process that is the driver, too, is left alone. One per task.
 */
final class RowWatch {
  /** Exit code of a process that was ended. */
  static final int STUCK = 124;

  /** More than the rows before the one that is waited for can take. */
  static final int PATIENCE = 10;

  /** Spark's name of the executor that is the driver's process. */
  private static final String DRIVER = "driver";

  private final long patienceNanos;
  private long sinceNanos;
  private boolean waiting;

  private RowWatch(Duration rowTimeout) {
    this.patienceNanos = rowTimeout.multipliedBy(PATIENCE).toNanos();
  }

  /** The watch over a task; it sees nothing where rows have no limit of time. */
  static RowWatch of(TaskContext task) {
    boolean isDriver = SparkEnv.get().executorId().equals(DRIVER);
    Duration limit = isDriver ? Duration.ZERO : RowJournal.rowTimeout(task);
    return of(task, limit, () -> Runtime.getRuntime().halt(STUCK));
  }

  /** A watch that does something else than end the process. */
  static RowWatch of(TaskContext task, Duration rowTimeout, Runnable end) {
    RowWatch watch = new RowWatch(rowTimeout);
    if (!rowTimeout.isZero()) {
      ScheduledExecutorService timer =
          Executors.newSingleThreadScheduledExecutor(
              Thread.ofPlatform().daemon().name("nightjar-watch").factory());
      long period = rowTimeout.toMillis();
      timer.scheduleWithFixedDelay(() -> watch.look(end), period, period, TimeUnit.MILLISECONDS);
      TaskCompletionListener stop = context -> timer.shutdownNow();
      task.addTaskCompletionListener(stop);
    }
    return watch;
  }

  /** Runs what may take the time of a row or of those before it. */
  boolean over(BooleanSupplier rows) {
    begin();
    try {
      return rows.getAsBoolean();
    } finally {
      end();
    }
  }

  private synchronized void begin() {
    waiting = true;
    sinceNanos = System.nanoTime();
  }

  private synchronized void end() {
    waiting = false;
  }

  private synchronized boolean isStuck() {
    return waiting && System.nanoTime() - sinceNanos > patienceNanos;
  }

  private void look(Runnable end) {
    if (isStuck()) {
      System.err.printf(
          "nightjar: no row has come back for %d times errors.row-timeout; this process ends%n",
          PATIENCE);
      end.run();
    }
  }
}
