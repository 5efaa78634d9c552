package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Converts columns of packed tiles to panels of fp32 for {@link PanelKernels}; exact, except one
 * rounding by scales.
 */
final class PanelFiller {
  private static final int TILE = PackedMatrix.TILE;

  private static final int HALVES = 1024;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(Lanes.ORDER);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(Lanes.ORDER);

  private PanelFiller() {}

  /**
   * Converts columns {@code [column, column + depth)} of one tile.
   *
   * @param column a multiple of 32, as is {@code depth} for quantised types
   * @param panel {@code [depth, 16]} fp32 from byte {@code to} on, overwritten
   */
  static void fill(
      PackedMatrix w,
      int tile,
      int column,
      int depth,
      MemorySegment panel,
      long to,
      Scratch scratch) {
    long offset = w.tileOffset(tile);
    long scales =
        w.scaleOffset(tile) + (long) (column / PackedMatrix.BLOCK) * PackedMatrix.SCALE_BYTES;
    int count = depth * TILE;
    int blocks = depth / PackedMatrix.BLOCK;
    long first = (long) column * TILE;
    switch (w.dtype()) {
      case F32 -> MemorySegment.copy(w.data(), offset + 4 * first, panel, to, 4L * count);
      case F16 -> halves(w.data(), offset + 2 * first, count, panel, to, scratch);
      case BF16 -> upperHalves(w.data(), offset + 2 * first, count, panel, to);
      case Q8_0 -> bytes(w.data(), offset + first, scales, blocks, panel, to);
      case Q4_0 -> nibbles(w.data(), offset + first / 2, scales, blocks, panel, to);
    }
  }

  private static void halves(
      MemorySegment from, long offset, int count, MemorySegment panel, long to, Scratch scratch) {
    short[] halves = scratch.halves(HALVES);
    float[] floats = scratch.floats(HALVES);
    for (int done = 0; done < count; done += HALVES) {
      int next = Math.min(HALVES, count - done);
      MemorySegment.copy(from, SHORT, offset + 2L * done, halves, 0, next);
      convert(halves, floats, next);
      MemorySegment.copy(floats, 0, panel, FLOAT, to + 4L * done, next);
    }
  }

  /**
   * A loop that C2 turns into the processor's own conversions; the Vector API has none for halves.
   */
  private static void convert(short[] halves, float[] floats, int count) {
    for (int i = 0; i < count; i++) {
      floats[i] = Float.float16ToFloat(halves[i]);
    }
  }

  private static void upperHalves(
      MemorySegment from, long offset, int count, MemorySegment panel, long to) {
    for (int i = 0; i < count; i += Lanes.COUNT) {
      IntVector wide =
          (IntVector)
              ShortVector.fromMemorySegment(Lanes.SHORTS, from, offset + 2L * i, Lanes.ORDER)
                  .convertShape(VectorOperators.S2I, Lanes.INTS, 0);
      wide.lanewise(VectorOperators.LSHL, 16)
          .reinterpretAsFloats()
          .intoMemorySegment(panel, to + 4L * i, Lanes.ORDER);
    }
  }

  private static void bytes(
      MemorySegment from, long offset, long scales, int blocks, MemorySegment panel, long to) {
    for (int block = 0; block < blocks; block++) {
      for (int part = 0; part < TILE; part += Lanes.COUNT) {
        FloatVector scale =
            FloatVector.fromMemorySegment(
                Lanes.FLOATS,
                from,
                scales + (long) block * PackedMatrix.SCALE_BYTES + 4L * part,
                Lanes.ORDER);
        int first = block * PackedMatrix.BLOCK * TILE + part;
        for (int j = 0; j < PackedMatrix.BLOCK * TILE; j += TILE) {
          FloatVector q =
              (FloatVector)
                  ByteVector.fromMemorySegment(Lanes.BYTES, from, offset + first + j, Lanes.ORDER)
                      .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0);
          q.mul(scale).intoMemorySegment(panel, to + 4L * (first + j), Lanes.ORDER);
        }
      }
    }
  }

  private static void nibbles(
      MemorySegment from, long offset, long scales, int blocks, MemorySegment panel, long to) {
    for (int block = 0; block < blocks; block++) {
      for (int part = 0; part < TILE; part += Lanes.COUNT) {
        FloatVector scale =
            FloatVector.fromMemorySegment(
                Lanes.FLOATS,
                from,
                scales + (long) block * PackedMatrix.SCALE_BYTES + 4L * part,
                Lanes.ORDER);
        long pairs = offset + (long) block * (PackedMatrix.BLOCK / 2) * TILE + part;
        long out = to + 4L * (block * PackedMatrix.BLOCK * TILE + part);
        for (int j = 0; j < PackedMatrix.BLOCK / 2; j++) {
          IntVector pair =
              (IntVector)
                  ByteVector.fromMemorySegment(
                          Lanes.BYTES, from, pairs + (long) j * TILE, Lanes.ORDER)
                      .convertShape(VectorOperators.B2I, Lanes.INTS, 0);
          FloatVector even =
              (FloatVector)
                  pair.lanewise(VectorOperators.LSHL, 28)
                      .lanewise(VectorOperators.ASHR, 28)
                      .convert(VectorOperators.I2F, 0);
          FloatVector odd =
              (FloatVector) pair.lanewise(VectorOperators.ASHR, 4).convert(VectorOperators.I2F, 0);
          even.mul(scale).intoMemorySegment(panel, out + 8L * j * TILE, Lanes.ORDER);
          odd.mul(scale).intoMemorySegment(panel, out + 8L * j * TILE + 4L * TILE, Lanes.ORDER);
        }
      }
    }
  }
}
