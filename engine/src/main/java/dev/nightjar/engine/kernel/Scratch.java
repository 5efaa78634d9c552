package dev.nightjar.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Working memory of {@link Kernels#matmul} and {@link Kernels#attend}: grows to the largest use,
 * never shrinks, and is freed by the garbage collector. For one thread at a time; contents do not
 * survive from one call to the next.
 */
public final class Scratch {
  private static final long ALIGNMENT = 64;
  private static final float[] NONE = {};

  private float[] inputs = NONE;
  private float[] outputs = NONE;
  private float[] floats = NONE;
  private float[] scores = NONE;
  private int[] starts = {};
  private MemorySegment panel = MemorySegment.NULL;
  private ParallelKernels.Shares shares;
  private int kept;
  private final Products one = new Products();
  private final Prefetcher prefetcher = new Prefetcher();

  /** Creates an empty scratch; obtain it from {@link Kernels#newScratch}. */
  Scratch() {}

  /** At least {@code count} floats for regrouped activations or one row of weights. */
  float[] inputs(int count) {
    if (inputs.length < count) {
      inputs = new float[count];
    }
    return inputs;
  }

  /** At least {@code count} floats for the sums of a group. */
  float[] outputs(int count) {
    if (outputs.length < count) {
      outputs = new float[count];
    }
    return outputs;
  }

  /** What is handed out to other threads; always with kernels of the same kind and size. */
  ParallelKernels.Shares shares(Kernels kernels, int size) {
    if (shares == null) {
      shares = new ParallelKernels.Shares(kernels, size);
    }
    return shares;
  }

  /** At least {@code count} converted halves. */
  float[] floats(int count) {
    if (floats.length < count) {
      floats = new float[count];
    }
    return floats;
  }

  /** At least {@code count} floats for attention scores. */
  float[] scores(int count) {
    if (scores.length < count) {
      scores = new float[2 * count];
    }
    return scores;
  }

  /** At least {@code count} ints for where queries start. */
  int[] starts(int count) {
    if (starts.length < count) {
      starts = new int[count];
    }
    return starts;
  }

  /** To be filled by whoever multiplies with a single matrix. */
  Products one() {
    return one;
  }

  /** Of the weights of one product. */
  Prefetcher prefetcher() {
    return prefetcher;
  }

  /** Keeps a number that depends on what was read: no compiler may find the reads superfluous. */
  void keep(int sum) {
    kept += sum;
  }

  /** At least {@code bytes} bytes for converted weights, keys or values, aligned to 64. */
  MemorySegment panel(long bytes) {
    if (panel.byteSize() < bytes) {
      panel = Arena.ofAuto().allocate(bytes, ALIGNMENT);
    }
    return panel;
  }
}
