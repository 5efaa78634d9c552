package dev.nightjar.job;

import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * Runs code that calls Spark and hands back what it threw. Spark throws checked exceptions that its
 * methods do not declare, so Java code cannot name them in a catch clause.
 */
final class Attempt {
  private Attempt() {}

  /** Runs {@code body} on this thread; what it threw, or nothing. */
  static Optional<Throwable> of(Runnable body) {
    FutureTask<Void> task = new FutureTask<>(body, null);
    task.run();
    try {
      task.get();
      return Optional.empty();
    } catch (ExecutionException e) {
      return Optional.of(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.of(e);
    }
  }
}
