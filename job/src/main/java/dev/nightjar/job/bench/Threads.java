package dev.nightjar.job.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** A few threads that run one task each at the same time. */
final class Threads implements AutoCloseable {
  private final ExecutorService pool;
  private final int count;

  Threads(int count) {
    this.count = count;
    this.pool = Executors.newFixedThreadPool(count);
  }

  int count() {
    return count;
  }

  /** Runs tasks, at most as many as there are threads, and returns their results in order. */
  <T> List<T> run(List<? extends Callable<T>> tasks) {
    List<Future<T>> futures = new ArrayList<>();
    for (Callable<T> task : tasks) {
      futures.add(pool.submit(task));
    }
    List<T> results = new ArrayList<>();
    try {
      for (Future<T> future : futures) {
        results.add(future.get());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("the benchmark was interrupted", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("a thread of the benchmark failed", e.getCause());
    }
    return results;
  }

  @Override
  public void close() {
    pool.shutdownNow();
  }
}
