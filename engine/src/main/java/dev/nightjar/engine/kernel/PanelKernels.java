package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * Register-blocked products of 1 to 6 rows with four vectors of outputs: {@code out[m, c] += sum_k
 * panel[k, c] * x[m, k]} in ascending k. The accumulators stay in registers; {@code out} is read
 * before and written after.
 *
 * <p>One flat loop per number of rows, calling the Vector API directly: helper methods around loads
 * and stores would exhaust C2's inlining budget, and every vector would be allocated (a thousand
 * times slower). Unrolling k loses, too.
 *
 * <p>Parameters of all of them:
 *
 * <ul>
 *   <li>{@code panel}: tiles of fp32 weights {@code [depth, 16]}, the first at byte {@code base},
 *       the next each {@code tileBytes} further;
 *   <li>{@code x}: {@code [depth, rows]} from {@code xOffset}: the rows' values of one column side
 *       by side;
 *   <li>{@code out}: {@code [rows, 4 vectors]} from {@code outOffset}, row stride {@code
 *       outStride}.
 * </ul>
 */
final class PanelKernels {
  /** Vectors of outputs per call. */
  static final int VECTORS = 4;

  /** Outputs per call. */
  static final int OUTPUTS = VECTORS * Lanes.COUNT;

  /** Tiles a call covers. */
  static final int TILES = OUTPUTS / PackedMatrix.TILE;

  /** Bytes of a tile's fp32 weights per column. */
  static final int COLUMN_BYTES = PackedMatrix.TILE * Float.BYTES;

  /**
   * Most rows per call. With 256 bits there usually are sixteen registers: 12 sums leave room for
   * the operands.
   */
  static final int MAX_ROWS = Lanes.BITS == 256 ? 3 : 6;

  private static final int VECTOR_BYTES = Lanes.COUNT * Float.BYTES;

  private PanelKernels() {}

  /** Byte offset of vector {@code index} of a group of tiles. */
  private static long vector(int index, long base, long tileBytes) {
    return base + index / Lanes.PARTS * tileBytes + (long) (index % Lanes.PARTS) * VECTOR_BYTES;
  }

  /** Multiplies {@code rows} rows, 1 to {@link #MAX_ROWS}. */
  static void multiply(
      int rows,
      MemorySegment panel,
      long base,
      long tileBytes,
      int depth,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      int outStride) {
    switch (rows) {
      case 1 -> rows1(panel, base, tileBytes, depth, x, xOffset, out, outOffset);
      case 2 -> rows2(panel, base, tileBytes, depth, x, xOffset, out, outOffset, outStride);
      case 3 -> rows3(panel, base, tileBytes, depth, x, xOffset, out, outOffset, outStride);
      case 4 -> rows4(panel, base, tileBytes, depth, x, xOffset, out, outOffset, outStride);
      case 5 -> rows5(panel, base, tileBytes, depth, x, xOffset, out, outOffset, outStride);
      case 6 -> rows6(panel, base, tileBytes, depth, x, xOffset, out, outOffset, outStride);
      default -> throw new IllegalStateException("no kernel for " + rows + " rows");
    }
  }

  private static void rows1(
      MemorySegment panel,
      long base,
      long tileBytes,
      int depth,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset) {
    long p0 = vector(0, base, tileBytes);
    long p1 = vector(1, base, tileBytes);
    long p2 = vector(2, base, tileBytes);
    long p3 = vector(3, base, tileBytes);
    FloatVector s00 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset);
    FloatVector s01 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + Lanes.COUNT);
    FloatVector s02 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 2 * Lanes.COUNT);
    FloatVector s03 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 3 * Lanes.COUNT);
    for (int k = 0; k < depth; k++) {
      long at = (long) k * COLUMN_BYTES;
      FloatVector w0 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p0 + at, Lanes.ORDER);
      FloatVector w1 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p1 + at, Lanes.ORDER);
      FloatVector w2 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p2 + at, Lanes.ORDER);
      FloatVector w3 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p3 + at, Lanes.ORDER);
      FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[xOffset + k]);
      s00 = w0.fma(x0, s00);
      s01 = w1.fma(x0, s01);
      s02 = w2.fma(x0, s02);
      s03 = w3.fma(x0, s03);
    }
    s00.intoArray(out, outOffset);
    s01.intoArray(out, outOffset + Lanes.COUNT);
    s02.intoArray(out, outOffset + 2 * Lanes.COUNT);
    s03.intoArray(out, outOffset + 3 * Lanes.COUNT);
  }

  private static void rows2(
      MemorySegment panel,
      long base,
      long tileBytes,
      int depth,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      int outStride) {
    long p0 = vector(0, base, tileBytes);
    long p1 = vector(1, base, tileBytes);
    long p2 = vector(2, base, tileBytes);
    long p3 = vector(3, base, tileBytes);
    int out1 = outOffset + outStride;
    FloatVector s00 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset);
    FloatVector s01 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + Lanes.COUNT);
    FloatVector s02 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 2 * Lanes.COUNT);
    FloatVector s03 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 3 * Lanes.COUNT);
    FloatVector s10 = FloatVector.fromArray(Lanes.FLOATS, out, out1);
    FloatVector s11 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + Lanes.COUNT);
    FloatVector s12 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 2 * Lanes.COUNT);
    FloatVector s13 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 3 * Lanes.COUNT);
    for (int k = 0; k < depth; k++) {
      long at = (long) k * COLUMN_BYTES;
      FloatVector w0 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p0 + at, Lanes.ORDER);
      FloatVector w1 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p1 + at, Lanes.ORDER);
      FloatVector w2 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p2 + at, Lanes.ORDER);
      FloatVector w3 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p3 + at, Lanes.ORDER);
      int column = xOffset + 2 * k;
      FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[column]);
      s00 = w0.fma(x0, s00);
      s01 = w1.fma(x0, s01);
      s02 = w2.fma(x0, s02);
      s03 = w3.fma(x0, s03);
      FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[column + 1]);
      s10 = w0.fma(x1, s10);
      s11 = w1.fma(x1, s11);
      s12 = w2.fma(x1, s12);
      s13 = w3.fma(x1, s13);
    }
    s00.intoArray(out, outOffset);
    s01.intoArray(out, outOffset + Lanes.COUNT);
    s02.intoArray(out, outOffset + 2 * Lanes.COUNT);
    s03.intoArray(out, outOffset + 3 * Lanes.COUNT);
    s10.intoArray(out, out1);
    s11.intoArray(out, out1 + Lanes.COUNT);
    s12.intoArray(out, out1 + 2 * Lanes.COUNT);
    s13.intoArray(out, out1 + 3 * Lanes.COUNT);
  }

  private static void rows3(
      MemorySegment panel,
      long base,
      long tileBytes,
      int depth,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      int outStride) {
    long p0 = vector(0, base, tileBytes);
    long p1 = vector(1, base, tileBytes);
    long p2 = vector(2, base, tileBytes);
    long p3 = vector(3, base, tileBytes);
    int out1 = outOffset + outStride;
    int out2 = outOffset + 2 * outStride;
    FloatVector s00 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset);
    FloatVector s01 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + Lanes.COUNT);
    FloatVector s02 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 2 * Lanes.COUNT);
    FloatVector s03 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 3 * Lanes.COUNT);
    FloatVector s10 = FloatVector.fromArray(Lanes.FLOATS, out, out1);
    FloatVector s11 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + Lanes.COUNT);
    FloatVector s12 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 2 * Lanes.COUNT);
    FloatVector s13 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 3 * Lanes.COUNT);
    FloatVector s20 = FloatVector.fromArray(Lanes.FLOATS, out, out2);
    FloatVector s21 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + Lanes.COUNT);
    FloatVector s22 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 2 * Lanes.COUNT);
    FloatVector s23 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 3 * Lanes.COUNT);
    for (int k = 0; k < depth; k++) {
      long at = (long) k * COLUMN_BYTES;
      FloatVector w0 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p0 + at, Lanes.ORDER);
      FloatVector w1 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p1 + at, Lanes.ORDER);
      FloatVector w2 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p2 + at, Lanes.ORDER);
      FloatVector w3 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p3 + at, Lanes.ORDER);
      int column = xOffset + 3 * k;
      FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[column]);
      s00 = w0.fma(x0, s00);
      s01 = w1.fma(x0, s01);
      s02 = w2.fma(x0, s02);
      s03 = w3.fma(x0, s03);
      FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[column + 1]);
      s10 = w0.fma(x1, s10);
      s11 = w1.fma(x1, s11);
      s12 = w2.fma(x1, s12);
      s13 = w3.fma(x1, s13);
      FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[column + 2]);
      s20 = w0.fma(x2, s20);
      s21 = w1.fma(x2, s21);
      s22 = w2.fma(x2, s22);
      s23 = w3.fma(x2, s23);
    }
    s00.intoArray(out, outOffset);
    s01.intoArray(out, outOffset + Lanes.COUNT);
    s02.intoArray(out, outOffset + 2 * Lanes.COUNT);
    s03.intoArray(out, outOffset + 3 * Lanes.COUNT);
    s10.intoArray(out, out1);
    s11.intoArray(out, out1 + Lanes.COUNT);
    s12.intoArray(out, out1 + 2 * Lanes.COUNT);
    s13.intoArray(out, out1 + 3 * Lanes.COUNT);
    s20.intoArray(out, out2);
    s21.intoArray(out, out2 + Lanes.COUNT);
    s22.intoArray(out, out2 + 2 * Lanes.COUNT);
    s23.intoArray(out, out2 + 3 * Lanes.COUNT);
  }

  private static void rows4(
      MemorySegment panel,
      long base,
      long tileBytes,
      int depth,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      int outStride) {
    long p0 = vector(0, base, tileBytes);
    long p1 = vector(1, base, tileBytes);
    long p2 = vector(2, base, tileBytes);
    long p3 = vector(3, base, tileBytes);
    int out1 = outOffset + outStride;
    int out2 = outOffset + 2 * outStride;
    int out3 = outOffset + 3 * outStride;
    FloatVector s00 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset);
    FloatVector s01 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + Lanes.COUNT);
    FloatVector s02 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 2 * Lanes.COUNT);
    FloatVector s03 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 3 * Lanes.COUNT);
    FloatVector s10 = FloatVector.fromArray(Lanes.FLOATS, out, out1);
    FloatVector s11 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + Lanes.COUNT);
    FloatVector s12 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 2 * Lanes.COUNT);
    FloatVector s13 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 3 * Lanes.COUNT);
    FloatVector s20 = FloatVector.fromArray(Lanes.FLOATS, out, out2);
    FloatVector s21 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + Lanes.COUNT);
    FloatVector s22 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 2 * Lanes.COUNT);
    FloatVector s23 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 3 * Lanes.COUNT);
    FloatVector s30 = FloatVector.fromArray(Lanes.FLOATS, out, out3);
    FloatVector s31 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + Lanes.COUNT);
    FloatVector s32 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + 2 * Lanes.COUNT);
    FloatVector s33 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + 3 * Lanes.COUNT);
    for (int k = 0; k < depth; k++) {
      long at = (long) k * COLUMN_BYTES;
      FloatVector w0 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p0 + at, Lanes.ORDER);
      FloatVector w1 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p1 + at, Lanes.ORDER);
      FloatVector w2 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p2 + at, Lanes.ORDER);
      FloatVector w3 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p3 + at, Lanes.ORDER);
      int column = xOffset + 4 * k;
      FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[column]);
      s00 = w0.fma(x0, s00);
      s01 = w1.fma(x0, s01);
      s02 = w2.fma(x0, s02);
      s03 = w3.fma(x0, s03);
      FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[column + 1]);
      s10 = w0.fma(x1, s10);
      s11 = w1.fma(x1, s11);
      s12 = w2.fma(x1, s12);
      s13 = w3.fma(x1, s13);
      FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[column + 2]);
      s20 = w0.fma(x2, s20);
      s21 = w1.fma(x2, s21);
      s22 = w2.fma(x2, s22);
      s23 = w3.fma(x2, s23);
      FloatVector x3 = FloatVector.broadcast(Lanes.FLOATS, x[column + 3]);
      s30 = w0.fma(x3, s30);
      s31 = w1.fma(x3, s31);
      s32 = w2.fma(x3, s32);
      s33 = w3.fma(x3, s33);
    }
    s00.intoArray(out, outOffset);
    s01.intoArray(out, outOffset + Lanes.COUNT);
    s02.intoArray(out, outOffset + 2 * Lanes.COUNT);
    s03.intoArray(out, outOffset + 3 * Lanes.COUNT);
    s10.intoArray(out, out1);
    s11.intoArray(out, out1 + Lanes.COUNT);
    s12.intoArray(out, out1 + 2 * Lanes.COUNT);
    s13.intoArray(out, out1 + 3 * Lanes.COUNT);
    s20.intoArray(out, out2);
    s21.intoArray(out, out2 + Lanes.COUNT);
    s22.intoArray(out, out2 + 2 * Lanes.COUNT);
    s23.intoArray(out, out2 + 3 * Lanes.COUNT);
    s30.intoArray(out, out3);
    s31.intoArray(out, out3 + Lanes.COUNT);
    s32.intoArray(out, out3 + 2 * Lanes.COUNT);
    s33.intoArray(out, out3 + 3 * Lanes.COUNT);
  }

  private static void rows5(
      MemorySegment panel,
      long base,
      long tileBytes,
      int depth,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      int outStride) {
    long p0 = vector(0, base, tileBytes);
    long p1 = vector(1, base, tileBytes);
    long p2 = vector(2, base, tileBytes);
    long p3 = vector(3, base, tileBytes);
    int out1 = outOffset + outStride;
    int out2 = outOffset + 2 * outStride;
    int out3 = outOffset + 3 * outStride;
    int out4 = outOffset + 4 * outStride;
    FloatVector s00 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset);
    FloatVector s01 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + Lanes.COUNT);
    FloatVector s02 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 2 * Lanes.COUNT);
    FloatVector s03 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 3 * Lanes.COUNT);
    FloatVector s10 = FloatVector.fromArray(Lanes.FLOATS, out, out1);
    FloatVector s11 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + Lanes.COUNT);
    FloatVector s12 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 2 * Lanes.COUNT);
    FloatVector s13 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 3 * Lanes.COUNT);
    FloatVector s20 = FloatVector.fromArray(Lanes.FLOATS, out, out2);
    FloatVector s21 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + Lanes.COUNT);
    FloatVector s22 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 2 * Lanes.COUNT);
    FloatVector s23 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 3 * Lanes.COUNT);
    FloatVector s30 = FloatVector.fromArray(Lanes.FLOATS, out, out3);
    FloatVector s31 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + Lanes.COUNT);
    FloatVector s32 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + 2 * Lanes.COUNT);
    FloatVector s33 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + 3 * Lanes.COUNT);
    FloatVector s40 = FloatVector.fromArray(Lanes.FLOATS, out, out4);
    FloatVector s41 = FloatVector.fromArray(Lanes.FLOATS, out, out4 + Lanes.COUNT);
    FloatVector s42 = FloatVector.fromArray(Lanes.FLOATS, out, out4 + 2 * Lanes.COUNT);
    FloatVector s43 = FloatVector.fromArray(Lanes.FLOATS, out, out4 + 3 * Lanes.COUNT);
    for (int k = 0; k < depth; k++) {
      long at = (long) k * COLUMN_BYTES;
      FloatVector w0 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p0 + at, Lanes.ORDER);
      FloatVector w1 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p1 + at, Lanes.ORDER);
      FloatVector w2 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p2 + at, Lanes.ORDER);
      FloatVector w3 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p3 + at, Lanes.ORDER);
      int column = xOffset + 5 * k;
      FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[column]);
      s00 = w0.fma(x0, s00);
      s01 = w1.fma(x0, s01);
      s02 = w2.fma(x0, s02);
      s03 = w3.fma(x0, s03);
      FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[column + 1]);
      s10 = w0.fma(x1, s10);
      s11 = w1.fma(x1, s11);
      s12 = w2.fma(x1, s12);
      s13 = w3.fma(x1, s13);
      FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[column + 2]);
      s20 = w0.fma(x2, s20);
      s21 = w1.fma(x2, s21);
      s22 = w2.fma(x2, s22);
      s23 = w3.fma(x2, s23);
      FloatVector x3 = FloatVector.broadcast(Lanes.FLOATS, x[column + 3]);
      s30 = w0.fma(x3, s30);
      s31 = w1.fma(x3, s31);
      s32 = w2.fma(x3, s32);
      s33 = w3.fma(x3, s33);
      FloatVector x4 = FloatVector.broadcast(Lanes.FLOATS, x[column + 4]);
      s40 = w0.fma(x4, s40);
      s41 = w1.fma(x4, s41);
      s42 = w2.fma(x4, s42);
      s43 = w3.fma(x4, s43);
    }
    s00.intoArray(out, outOffset);
    s01.intoArray(out, outOffset + Lanes.COUNT);
    s02.intoArray(out, outOffset + 2 * Lanes.COUNT);
    s03.intoArray(out, outOffset + 3 * Lanes.COUNT);
    s10.intoArray(out, out1);
    s11.intoArray(out, out1 + Lanes.COUNT);
    s12.intoArray(out, out1 + 2 * Lanes.COUNT);
    s13.intoArray(out, out1 + 3 * Lanes.COUNT);
    s20.intoArray(out, out2);
    s21.intoArray(out, out2 + Lanes.COUNT);
    s22.intoArray(out, out2 + 2 * Lanes.COUNT);
    s23.intoArray(out, out2 + 3 * Lanes.COUNT);
    s30.intoArray(out, out3);
    s31.intoArray(out, out3 + Lanes.COUNT);
    s32.intoArray(out, out3 + 2 * Lanes.COUNT);
    s33.intoArray(out, out3 + 3 * Lanes.COUNT);
    s40.intoArray(out, out4);
    s41.intoArray(out, out4 + Lanes.COUNT);
    s42.intoArray(out, out4 + 2 * Lanes.COUNT);
    s43.intoArray(out, out4 + 3 * Lanes.COUNT);
  }

  private static void rows6(
      MemorySegment panel,
      long base,
      long tileBytes,
      int depth,
      float[] x,
      int xOffset,
      float[] out,
      int outOffset,
      int outStride) {
    long p0 = vector(0, base, tileBytes);
    long p1 = vector(1, base, tileBytes);
    long p2 = vector(2, base, tileBytes);
    long p3 = vector(3, base, tileBytes);
    int out1 = outOffset + outStride;
    int out2 = outOffset + 2 * outStride;
    int out3 = outOffset + 3 * outStride;
    int out4 = outOffset + 4 * outStride;
    int out5 = outOffset + 5 * outStride;
    FloatVector s00 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset);
    FloatVector s01 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + Lanes.COUNT);
    FloatVector s02 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 2 * Lanes.COUNT);
    FloatVector s03 = FloatVector.fromArray(Lanes.FLOATS, out, outOffset + 3 * Lanes.COUNT);
    FloatVector s10 = FloatVector.fromArray(Lanes.FLOATS, out, out1);
    FloatVector s11 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + Lanes.COUNT);
    FloatVector s12 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 2 * Lanes.COUNT);
    FloatVector s13 = FloatVector.fromArray(Lanes.FLOATS, out, out1 + 3 * Lanes.COUNT);
    FloatVector s20 = FloatVector.fromArray(Lanes.FLOATS, out, out2);
    FloatVector s21 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + Lanes.COUNT);
    FloatVector s22 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 2 * Lanes.COUNT);
    FloatVector s23 = FloatVector.fromArray(Lanes.FLOATS, out, out2 + 3 * Lanes.COUNT);
    FloatVector s30 = FloatVector.fromArray(Lanes.FLOATS, out, out3);
    FloatVector s31 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + Lanes.COUNT);
    FloatVector s32 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + 2 * Lanes.COUNT);
    FloatVector s33 = FloatVector.fromArray(Lanes.FLOATS, out, out3 + 3 * Lanes.COUNT);
    FloatVector s40 = FloatVector.fromArray(Lanes.FLOATS, out, out4);
    FloatVector s41 = FloatVector.fromArray(Lanes.FLOATS, out, out4 + Lanes.COUNT);
    FloatVector s42 = FloatVector.fromArray(Lanes.FLOATS, out, out4 + 2 * Lanes.COUNT);
    FloatVector s43 = FloatVector.fromArray(Lanes.FLOATS, out, out4 + 3 * Lanes.COUNT);
    FloatVector s50 = FloatVector.fromArray(Lanes.FLOATS, out, out5);
    FloatVector s51 = FloatVector.fromArray(Lanes.FLOATS, out, out5 + Lanes.COUNT);
    FloatVector s52 = FloatVector.fromArray(Lanes.FLOATS, out, out5 + 2 * Lanes.COUNT);
    FloatVector s53 = FloatVector.fromArray(Lanes.FLOATS, out, out5 + 3 * Lanes.COUNT);
    for (int k = 0; k < depth; k++) {
      long at = (long) k * COLUMN_BYTES;
      FloatVector w0 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p0 + at, Lanes.ORDER);
      FloatVector w1 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p1 + at, Lanes.ORDER);
      FloatVector w2 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p2 + at, Lanes.ORDER);
      FloatVector w3 = FloatVector.fromMemorySegment(Lanes.FLOATS, panel, p3 + at, Lanes.ORDER);
      int column = xOffset + 6 * k;
      FloatVector x0 = FloatVector.broadcast(Lanes.FLOATS, x[column]);
      s00 = w0.fma(x0, s00);
      s01 = w1.fma(x0, s01);
      s02 = w2.fma(x0, s02);
      s03 = w3.fma(x0, s03);
      FloatVector x1 = FloatVector.broadcast(Lanes.FLOATS, x[column + 1]);
      s10 = w0.fma(x1, s10);
      s11 = w1.fma(x1, s11);
      s12 = w2.fma(x1, s12);
      s13 = w3.fma(x1, s13);
      FloatVector x2 = FloatVector.broadcast(Lanes.FLOATS, x[column + 2]);
      s20 = w0.fma(x2, s20);
      s21 = w1.fma(x2, s21);
      s22 = w2.fma(x2, s22);
      s23 = w3.fma(x2, s23);
      FloatVector x3 = FloatVector.broadcast(Lanes.FLOATS, x[column + 3]);
      s30 = w0.fma(x3, s30);
      s31 = w1.fma(x3, s31);
      s32 = w2.fma(x3, s32);
      s33 = w3.fma(x3, s33);
      FloatVector x4 = FloatVector.broadcast(Lanes.FLOATS, x[column + 4]);
      s40 = w0.fma(x4, s40);
      s41 = w1.fma(x4, s41);
      s42 = w2.fma(x4, s42);
      s43 = w3.fma(x4, s43);
      FloatVector x5 = FloatVector.broadcast(Lanes.FLOATS, x[column + 5]);
      s50 = w0.fma(x5, s50);
      s51 = w1.fma(x5, s51);
      s52 = w2.fma(x5, s52);
      s53 = w3.fma(x5, s53);
    }
    s00.intoArray(out, outOffset);
    s01.intoArray(out, outOffset + Lanes.COUNT);
    s02.intoArray(out, outOffset + 2 * Lanes.COUNT);
    s03.intoArray(out, outOffset + 3 * Lanes.COUNT);
    s10.intoArray(out, out1);
    s11.intoArray(out, out1 + Lanes.COUNT);
    s12.intoArray(out, out1 + 2 * Lanes.COUNT);
    s13.intoArray(out, out1 + 3 * Lanes.COUNT);
    s20.intoArray(out, out2);
    s21.intoArray(out, out2 + Lanes.COUNT);
    s22.intoArray(out, out2 + 2 * Lanes.COUNT);
    s23.intoArray(out, out2 + 3 * Lanes.COUNT);
    s30.intoArray(out, out3);
    s31.intoArray(out, out3 + Lanes.COUNT);
    s32.intoArray(out, out3 + 2 * Lanes.COUNT);
    s33.intoArray(out, out3 + 3 * Lanes.COUNT);
    s40.intoArray(out, out4);
    s41.intoArray(out, out4 + Lanes.COUNT);
    s42.intoArray(out, out4 + 2 * Lanes.COUNT);
    s43.intoArray(out, out4 + 3 * Lanes.COUNT);
    s50.intoArray(out, out5);
    s51.intoArray(out, out5 + Lanes.COUNT);
    s52.intoArray(out, out5 + 2 * Lanes.COUNT);
    s53.intoArray(out, out5 + 3 * Lanes.COUNT);
  }
}
