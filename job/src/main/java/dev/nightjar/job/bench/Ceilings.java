package dev.nightjar.job.bench;

import dev.nightjar.engine.kernel.Roofline;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * What the machine gives at most, measured beside everything else: multiply-adds in registers, and
 * reads of a buffer that no cache holds.
 */
final class Ceilings implements AutoCloseable {
  private static final int STEPS = 200_000;
  private static final int CALLS = 10;

  /** Floats that reads come in. */
  private static final int READ_STEP = 512;

  private static final long WARM_UP_NANOS = 300_000_000;

  private final Roofline roofline;
  private final Arena arena = Arena.ofShared();
  private final Threads threads;
  private final List<MemorySegment> buffers = new ArrayList<>();
  private float sink;

  /**
   * Ceilings for up to {@code threads} threads.
   *
   * @param bufferBytes read by all threads together
   */
  Ceilings(Roofline roofline, int threads, long bufferBytes) {
    this.roofline = roofline;
    this.threads = new Threads(threads);
    long each = bufferBytes / threads / 2048 * 2048;
    for (int i = 0; i < threads; i++) {
      buffers.add(arena.allocate(each, 64).fill((byte) 0));
    }
    long start = System.nanoTime();
    while (System.nanoTime() - start < WARM_UP_NANOS) {
      gigaflops();
    }
    gigabytes(1);
  }

  /** Threads of the widest measurement. */
  int threads() {
    return threads.count();
  }

  /** Multiply-adds of this thread, in GFLOP/s; takes a few milliseconds. */
  double gigaflops() {
    long start = System.nanoTime();
    sink += roofline.multiplyAdds(STEPS);
    return roofline.flops(STEPS) / (System.nanoTime() - start);
  }

  /** The sum of what all threads do at the same time, in GFLOP/s. */
  double gigaflopsOfAll() {
    return sum(buffers.stream().map(buffer -> (Callable<Double>) this::many).toList());
  }

  private double many() {
    long start = System.nanoTime();
    float result = 0;
    for (int i = 0; i < CALLS; i++) {
      result += roofline.multiplyAdds(STEPS);
    }
    double rate = CALLS * roofline.flops(STEPS) / (System.nanoTime() - start);
    return rate + Math.min(0, result); // never negative; keeps the loop alive
  }

  /** Bytes read by a number of threads at the same time, in GB/s. */
  double gigabytes(int count) {
    if (count == 1) {
      double nanos = 0;
      long bytes = 0;
      for (MemorySegment buffer : buffers) {
        long start = System.nanoTime();
        sink += roofline.sum(buffer, buffer.byteSize() / Float.BYTES);
        nanos += System.nanoTime() - start;
        bytes += buffer.byteSize();
      }
      return bytes / nanos;
    }
    return sum(buffers.stream().map(buffer -> (Callable<Double>) () -> read(buffer)).toList());
  }

  /**
   * The most that this thread reads of so many bytes when it reads them again and again, in GB/s:
   * what a matrix of that size leaves in the caches, it finds there.
   */
  double gigabytesAgain(long bytes) {
    MemorySegment buffer = buffers.getFirst();
    long floats = Math.min(bytes, buffer.byteSize()) / READ_STEP / Float.BYTES * READ_STEP;
    double most = 0;
    for (int i = 0; i < CALLS; i++) {
      long start = System.nanoTime();
      sink += roofline.sum(buffer, floats);
      most = Math.max(most, floats * Float.BYTES / (double) (System.nanoTime() - start));
    }
    return most;
  }

  private double read(MemorySegment buffer) {
    long start = System.nanoTime();
    float result = roofline.sum(buffer, buffer.byteSize() / Float.BYTES);
    double rate = buffer.byteSize() / (double) (System.nanoTime() - start);
    return rate + Math.min(0, result);
  }

  private double sum(List<Callable<Double>> tasks) {
    return threads.run(tasks).stream().mapToDouble(Double::doubleValue).sum();
  }

  @Override
  public void close() {
    threads.close();
    arena.close();
  }
}
