package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link ByteKernels} of 5 to 8 rows, with one group at a time: registers of 512 bits hold the sums
 * of one, and narrower ones not even those.
 *
 * <p>Parameters are as there, but for the second group and the lane: a group is one call.
 */
final class TallByteKernels {
  /** Most rows per call; none with narrower vectors. */
  static final int MAX_ROWS = Lanes.BITS == 512 ? 8 : 0;

  private static final int STEP =
      PackedMatrix.COLUMN_BYTES + PackedMatrix.BLOCK * PackedMatrix.GROUP;

  private static final int DEPTH = PanelKernels.DEPTH;
  private static final int GROUP = PackedMatrix.GROUP;
  private static final int COLUMN_BYTES = PackedMatrix.COLUMN_BYTES;
  private static final int VECTOR_BYTES = Lanes.COUNT * Float.BYTES;

  private TallByteKernels() {}

  /** Multiplies {@code rows} rows, 5 to {@link #MAX_ROWS}. */
  static void multiply(
      int rows,
      MemorySegment weights,
      long base,
      int depth,
      float[] x,
      int xOffset,
      float[] sums,
      int sumsOffset) {
    switch (rows) {
      case 5 -> rows5(weights, base, depth, x, xOffset, sums, sumsOffset);
      case 6 -> rows6(weights, base, depth, x, xOffset, sums, sumsOffset);
      case 7 -> rows7(weights, base, depth, x, xOffset, sums, sumsOffset);
      case 8 -> rows8(weights, base, depth, x, xOffset, sums, sumsOffset);
      default -> throw new IllegalStateException("no kernel for " + rows + " rows");
    }
  }

  private static void rows5(
      MemorySegment weights,
      long base,
      int depth,
      float[] x,
      int xOffset,
      float[] sums,
      int sumsOffset) {
    NativeMemory.require(weights);
    FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset);
    FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + Lanes.COUNT);
    FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP);
    FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP + Lanes.COUNT);
    FloatVector a2 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP);
    FloatVector b2 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    FloatVector a3 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP);
    FloatVector b3 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    FloatVector a4 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP);
    FloatVector b4 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
    long scales = base;
    long quants = base + COLUMN_BYTES;
    for (int block = 0; block < depth; block += PackedMatrix.BLOCK) {
      FloatVector d0 = FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales, Lanes.ORDER);
      FloatVector d1 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales + VECTOR_BYTES, Lanes.ORDER);
      int first = xOffset + block;
      for (int k = 0; k < PackedMatrix.BLOCK; k++) {
        long at = quants + (long) k * GROUP;
        FloatVector w0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(Lanes.BYTES, weights, at, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d0);
        FloatVector w1 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(
                            Lanes.BYTES, weights, at + Lanes.COUNT, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d1);
        FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[first + k]);
        a0 = w0.fma(x0, a0);
        b0 = w1.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + DEPTH]);
        a1 = w0.fma(x1, a1);
        b1 = w1.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 2 * DEPTH]);
        a2 = w0.fma(x2, a2);
        b2 = w1.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 3 * DEPTH]);
        a3 = w0.fma(x3, a3);
        b3 = w1.fma(x3, b3);
        FloatVector x4 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 4 * DEPTH]);
        a4 = w0.fma(x4, a4);
        b4 = w1.fma(x4, b4);
      }
      scales += STEP;
      quants += STEP;
    }
    a0.intoArray(sums, sumsOffset);
    b0.intoArray(sums, sumsOffset + Lanes.COUNT);
    a1.intoArray(sums, sumsOffset + GROUP);
    b1.intoArray(sums, sumsOffset + GROUP + Lanes.COUNT);
    a2.intoArray(sums, sumsOffset + 2 * GROUP);
    b2.intoArray(sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    a3.intoArray(sums, sumsOffset + 3 * GROUP);
    b3.intoArray(sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    a4.intoArray(sums, sumsOffset + 4 * GROUP);
    b4.intoArray(sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
  }

  private static void rows6(
      MemorySegment weights,
      long base,
      int depth,
      float[] x,
      int xOffset,
      float[] sums,
      int sumsOffset) {
    NativeMemory.require(weights);
    FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset);
    FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + Lanes.COUNT);
    FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP);
    FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP + Lanes.COUNT);
    FloatVector a2 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP);
    FloatVector b2 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    FloatVector a3 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP);
    FloatVector b3 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    FloatVector a4 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP);
    FloatVector b4 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
    FloatVector a5 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 5 * GROUP);
    FloatVector b5 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 5 * GROUP + Lanes.COUNT);
    long scales = base;
    long quants = base + COLUMN_BYTES;
    for (int block = 0; block < depth; block += PackedMatrix.BLOCK) {
      FloatVector d0 = FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales, Lanes.ORDER);
      FloatVector d1 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales + VECTOR_BYTES, Lanes.ORDER);
      int first = xOffset + block;
      for (int k = 0; k < PackedMatrix.BLOCK; k++) {
        long at = quants + (long) k * GROUP;
        FloatVector w0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(Lanes.BYTES, weights, at, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d0);
        FloatVector w1 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(
                            Lanes.BYTES, weights, at + Lanes.COUNT, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d1);
        FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[first + k]);
        a0 = w0.fma(x0, a0);
        b0 = w1.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + DEPTH]);
        a1 = w0.fma(x1, a1);
        b1 = w1.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 2 * DEPTH]);
        a2 = w0.fma(x2, a2);
        b2 = w1.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 3 * DEPTH]);
        a3 = w0.fma(x3, a3);
        b3 = w1.fma(x3, b3);
        FloatVector x4 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 4 * DEPTH]);
        a4 = w0.fma(x4, a4);
        b4 = w1.fma(x4, b4);
        FloatVector x5 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 5 * DEPTH]);
        a5 = w0.fma(x5, a5);
        b5 = w1.fma(x5, b5);
      }
      scales += STEP;
      quants += STEP;
    }
    a0.intoArray(sums, sumsOffset);
    b0.intoArray(sums, sumsOffset + Lanes.COUNT);
    a1.intoArray(sums, sumsOffset + GROUP);
    b1.intoArray(sums, sumsOffset + GROUP + Lanes.COUNT);
    a2.intoArray(sums, sumsOffset + 2 * GROUP);
    b2.intoArray(sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    a3.intoArray(sums, sumsOffset + 3 * GROUP);
    b3.intoArray(sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    a4.intoArray(sums, sumsOffset + 4 * GROUP);
    b4.intoArray(sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
    a5.intoArray(sums, sumsOffset + 5 * GROUP);
    b5.intoArray(sums, sumsOffset + 5 * GROUP + Lanes.COUNT);
  }

  private static void rows7(
      MemorySegment weights,
      long base,
      int depth,
      float[] x,
      int xOffset,
      float[] sums,
      int sumsOffset) {
    NativeMemory.require(weights);
    FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset);
    FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + Lanes.COUNT);
    FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP);
    FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP + Lanes.COUNT);
    FloatVector a2 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP);
    FloatVector b2 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    FloatVector a3 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP);
    FloatVector b3 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    FloatVector a4 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP);
    FloatVector b4 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
    FloatVector a5 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 5 * GROUP);
    FloatVector b5 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 5 * GROUP + Lanes.COUNT);
    FloatVector a6 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 6 * GROUP);
    FloatVector b6 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 6 * GROUP + Lanes.COUNT);
    long scales = base;
    long quants = base + COLUMN_BYTES;
    for (int block = 0; block < depth; block += PackedMatrix.BLOCK) {
      FloatVector d0 = FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales, Lanes.ORDER);
      FloatVector d1 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales + VECTOR_BYTES, Lanes.ORDER);
      int first = xOffset + block;
      for (int k = 0; k < PackedMatrix.BLOCK; k++) {
        long at = quants + (long) k * GROUP;
        FloatVector w0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(Lanes.BYTES, weights, at, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d0);
        FloatVector w1 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(
                            Lanes.BYTES, weights, at + Lanes.COUNT, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d1);
        FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[first + k]);
        a0 = w0.fma(x0, a0);
        b0 = w1.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + DEPTH]);
        a1 = w0.fma(x1, a1);
        b1 = w1.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 2 * DEPTH]);
        a2 = w0.fma(x2, a2);
        b2 = w1.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 3 * DEPTH]);
        a3 = w0.fma(x3, a3);
        b3 = w1.fma(x3, b3);
        FloatVector x4 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 4 * DEPTH]);
        a4 = w0.fma(x4, a4);
        b4 = w1.fma(x4, b4);
        FloatVector x5 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 5 * DEPTH]);
        a5 = w0.fma(x5, a5);
        b5 = w1.fma(x5, b5);
        FloatVector x6 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 6 * DEPTH]);
        a6 = w0.fma(x6, a6);
        b6 = w1.fma(x6, b6);
      }
      scales += STEP;
      quants += STEP;
    }
    a0.intoArray(sums, sumsOffset);
    b0.intoArray(sums, sumsOffset + Lanes.COUNT);
    a1.intoArray(sums, sumsOffset + GROUP);
    b1.intoArray(sums, sumsOffset + GROUP + Lanes.COUNT);
    a2.intoArray(sums, sumsOffset + 2 * GROUP);
    b2.intoArray(sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    a3.intoArray(sums, sumsOffset + 3 * GROUP);
    b3.intoArray(sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    a4.intoArray(sums, sumsOffset + 4 * GROUP);
    b4.intoArray(sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
    a5.intoArray(sums, sumsOffset + 5 * GROUP);
    b5.intoArray(sums, sumsOffset + 5 * GROUP + Lanes.COUNT);
    a6.intoArray(sums, sumsOffset + 6 * GROUP);
    b6.intoArray(sums, sumsOffset + 6 * GROUP + Lanes.COUNT);
  }

  private static void rows8(
      MemorySegment weights,
      long base,
      int depth,
      float[] x,
      int xOffset,
      float[] sums,
      int sumsOffset) {
    NativeMemory.require(weights);
    FloatVector a0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset);
    FloatVector b0 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + Lanes.COUNT);
    FloatVector a1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP);
    FloatVector b1 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + GROUP + Lanes.COUNT);
    FloatVector a2 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP);
    FloatVector b2 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    FloatVector a3 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP);
    FloatVector b3 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    FloatVector a4 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP);
    FloatVector b4 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
    FloatVector a5 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 5 * GROUP);
    FloatVector b5 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 5 * GROUP + Lanes.COUNT);
    FloatVector a6 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 6 * GROUP);
    FloatVector b6 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 6 * GROUP + Lanes.COUNT);
    FloatVector a7 = FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 7 * GROUP);
    FloatVector b7 =
        FloatVector.fromArray(Lanes.FLOATS, sums, sumsOffset + 7 * GROUP + Lanes.COUNT);
    long scales = base;
    long quants = base + COLUMN_BYTES;
    for (int block = 0; block < depth; block += PackedMatrix.BLOCK) {
      FloatVector d0 = FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales, Lanes.ORDER);
      FloatVector d1 =
          FloatVector.fromMemorySegment(Lanes.FLOATS, weights, scales + VECTOR_BYTES, Lanes.ORDER);
      int first = xOffset + block;
      for (int k = 0; k < PackedMatrix.BLOCK; k++) {
        long at = quants + (long) k * GROUP;
        FloatVector w0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(Lanes.BYTES, weights, at, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d0);
        FloatVector w1 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(
                            Lanes.BYTES, weights, at + Lanes.COUNT, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .mul(d1);
        FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[first + k]);
        a0 = w0.fma(x0, a0);
        b0 = w1.fma(x0, b0);
        FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + DEPTH]);
        a1 = w0.fma(x1, a1);
        b1 = w1.fma(x1, b1);
        FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 2 * DEPTH]);
        a2 = w0.fma(x2, a2);
        b2 = w1.fma(x2, b2);
        FloatVector x3 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 3 * DEPTH]);
        a3 = w0.fma(x3, a3);
        b3 = w1.fma(x3, b3);
        FloatVector x4 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 4 * DEPTH]);
        a4 = w0.fma(x4, a4);
        b4 = w1.fma(x4, b4);
        FloatVector x5 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 5 * DEPTH]);
        a5 = w0.fma(x5, a5);
        b5 = w1.fma(x5, b5);
        FloatVector x6 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 6 * DEPTH]);
        a6 = w0.fma(x6, a6);
        b6 = w1.fma(x6, b6);
        FloatVector x7 = FloatVector.broadcast(Lanes.FLOATS, x[first + k + 7 * DEPTH]);
        a7 = w0.fma(x7, a7);
        b7 = w1.fma(x7, b7);
      }
      scales += STEP;
      quants += STEP;
    }
    a0.intoArray(sums, sumsOffset);
    b0.intoArray(sums, sumsOffset + Lanes.COUNT);
    a1.intoArray(sums, sumsOffset + GROUP);
    b1.intoArray(sums, sumsOffset + GROUP + Lanes.COUNT);
    a2.intoArray(sums, sumsOffset + 2 * GROUP);
    b2.intoArray(sums, sumsOffset + 2 * GROUP + Lanes.COUNT);
    a3.intoArray(sums, sumsOffset + 3 * GROUP);
    b3.intoArray(sums, sumsOffset + 3 * GROUP + Lanes.COUNT);
    a4.intoArray(sums, sumsOffset + 4 * GROUP);
    b4.intoArray(sums, sumsOffset + 4 * GROUP + Lanes.COUNT);
    a5.intoArray(sums, sumsOffset + 5 * GROUP);
    b5.intoArray(sums, sumsOffset + 5 * GROUP + Lanes.COUNT);
    a6.intoArray(sums, sumsOffset + 6 * GROUP);
    b6.intoArray(sums, sumsOffset + 6 * GROUP + Lanes.COUNT);
    a7.intoArray(sums, sumsOffset + 7 * GROUP);
    b7.intoArray(sums, sumsOffset + 7 * GROUP + Lanes.COUNT);
  }
}
