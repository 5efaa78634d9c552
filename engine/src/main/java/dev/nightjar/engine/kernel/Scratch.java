package dev.nightjar.engine.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Working memory of {@link Kernels#matmul}: grows to the largest use, never shrinks, and is freed
 * by the garbage collector. For one thread at a time; contents do not survive from one call to the
 * next.
 */
public final class Scratch {
  private static final long ALIGNMENT = 64;
  private static final float[] NONE = {};

  private float[] inputs = NONE;
  private float[] outputs = NONE;
  private short[] halves = {};
  private float[] floats = NONE;
  private MemorySegment panel = MemorySegment.NULL;

  /** Creates an empty scratch; obtain it from {@link Kernels#newScratch}. */
  Scratch() {}

  /** At least {@code count} floats for regrouped activations or one row of weights. */
  float[] inputs(int count) {
    if (inputs.length < count) {
      inputs = new float[count];
    }
    return inputs;
  }

  /** At least {@code count} floats for the outputs of an incomplete group of tiles. */
  float[] outputs(int count) {
    if (outputs.length < count) {
      outputs = new float[count];
    }
    return outputs;
  }

  /** At least {@code count} halves on their way to fp32. */
  short[] halves(int count) {
    if (halves.length < count) {
      halves = new short[count];
    }
    return halves;
  }

  /** At least {@code count} converted halves. */
  float[] floats(int count) {
    if (floats.length < count) {
      floats = new float[count];
    }
    return floats;
  }

  /** At least {@code bytes} bytes for converted weights, aligned to 64. */
  MemorySegment panel(long bytes) {
    if (panel.byteSize() < bytes) {
      panel = Arena.ofAuto().allocate(bytes, ALIGNMENT);
    }
    return panel;
  }
}
