package dev.nightjar.engine.kernel;

import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.function.IntUnaryOperator;

/**
 * A weight matrix {@code [rows, columns]} laid out for {@link Kernels#matmul}, off-heap.
 *
 * <p>Sixteen output rows form a tile, and columns run inside it: for each column the sixteen rows'
 * values lie side by side, so that one vector load yields weights of sixteen different outputs.
 * Element types are kept; the scales of a quantised tile, widened to fp32 ({@code [columns / 32,
 * 16]}), follow its quants. {@code Q4_0} holds the values of an even column and the next odd one in
 * the low and high half of a byte, as four-bit two's complement. Tiles start at multiples of 64
 * bytes; rows missing from the last tile are zero.
 *
 * <p>Immutable once packed and safe for concurrent use; lives as long as its arena.
 */
public final class PackedMatrix {
  /** Output rows of a tile. */
  static final int TILE = 16;

  /** Columns that share a scale in the quantised types. */
  static final int BLOCK = 32;

  /** Bytes of a quantised tile's scales per block. */
  static final int SCALE_BYTES = TILE * Float.BYTES;

  /** Tiles stored at least, so that kernels always find a whole group of them. */
  static final int LEAST_TILES = 4;

  private static final long ALIGNMENT = 64;

  /**
   * Room behind the last tile, so that narrow vectors may load eight bytes where they need four.
   */
  private static final long SLACK = 64;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private final DType dtype;
  private final int rows;
  private final int columns;
  private final long tileBytes;
  private final MemorySegment data;

  private PackedMatrix(DType dtype, int rows, int columns, Arena arena) {
    this.dtype = dtype;
    this.rows = rows;
    this.columns = columns;
    long used = quantBytes(dtype, columns) + scaleBytes(dtype, columns);
    this.tileBytes = (used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    long stored = Math.max(tiles(), LEAST_TILES);
    long bytes = Math.addExact(Math.multiplyExact(stored, tileBytes), SLACK);
    this.data = arena.allocate(bytes, ALIGNMENT);
  }

  /**
   * Packs a tensor, changing the order of its rows.
   *
   * @param t {@code [rows, columns]}; dimensions before the last count as rows
   * @param rowOrder packed row r is the tensor's row {@code rowOrder.applyAsInt(r)}, for r in
   *     {@code [0, rows)}
   * @param arena owns the packed copy; the tensor's memory is not needed afterwards
   */
  public static PackedMatrix pack(Tensor t, IntUnaryOperator rowOrder, Arena arena) {
    int rows = t.rows();
    int columns = t.columns();
    DType dtype = t.dtype();
    if (columns % dtype.blockElements() != 0) {
      throw new IllegalArgumentException(
          t
              + " has rows of "
              + columns
              + " elements, expected a multiple of "
              + dtype.blockElements());
    }
    PackedMatrix packed = new PackedMatrix(dtype, rows, columns, arena);
    long rowBytes = dtype.byteSize(columns);
    for (int row = 0; row < rows; row++) {
      int source = rowOrder.applyAsInt(row);
      if (source < 0 || source >= rows) {
        throw new IllegalArgumentException(
            t
                + ": packed row "
                + row
                + " asks for source row "
                + source
                + ", expected 0 to "
                + (rows - 1));
      }
      packed.packRow(t.data(), source * rowBytes, row);
    }
    return packed;
  }

  /** Packs a tensor in its own row order. */
  public static PackedMatrix pack(Tensor t, Arena arena) {
    return pack(t, IntUnaryOperator.identity(), arena);
  }

  /** Packs {@code w [rows, cols]}, row-major, as F32. */
  public static PackedMatrix ofFloats(float[] w, int rows, int cols, Arena arena) {
    if (w.length != Math.multiplyExact(rows, cols)) {
      throw new IllegalArgumentException(
          "found " + w.length + " weights, expected " + rows + " x " + cols);
    }
    PackedMatrix packed = new PackedMatrix(DType.F32, rows, cols, arena);
    for (int row = 0; row < rows; row++) {
      long to = packed.tileOffset(row / TILE) + (long) (row % TILE) * Float.BYTES;
      for (int k = 0; k < cols; k++) {
        packed.data.set(FLOAT, to + (long) k * TILE * Float.BYTES, w[row * cols + k]);
      }
    }
    return packed;
  }

  /** Output rows, N. */
  public int rows() {
    return rows;
  }

  /** Input columns, K. */
  public int columns() {
    return columns;
  }

  /** Element type; the same as the source's. */
  public DType dtype() {
    return dtype;
  }

  /** Bytes of off-heap memory held, padding included. */
  public long byteSize() {
    return data.byteSize();
  }

  /** Tiles of {@link #TILE} rows, the last one possibly padded. */
  int tiles() {
    return (rows + TILE - 1) / TILE;
  }

  /** All tiles; {@link #tileOffset} and {@link #scaleOffset} say where. */
  MemorySegment data() {
    return data;
  }

  /** Bytes from one tile to the next, a multiple of 64. */
  long tileBytes() {
    return tileBytes;
  }

  /** Byte offset of a tile in {@link #data}. */
  long tileOffset(int tile) {
    return tile * tileBytes;
  }

  /** Byte offset of a quantised tile's scales in {@link #data}. */
  long scaleOffset(int tile) {
    return tile * tileBytes + quantBytes(dtype, columns);
  }

  /**
   * Converts one packed row to fp32.
   *
   * @param out {@code [>= outOffset + columns]}
   */
  public void readRow(int row, float[] out, int outOffset) {
    long tile = tileOffset(row / TILE);
    int lane = row % TILE;
    switch (dtype) {
      case F32 -> {
        for (int k = 0; k < columns; k++) {
          out[outOffset + k] = data.get(FLOAT, tile + ((long) k * TILE + lane) * Float.BYTES);
        }
      }
      case F16 -> {
        for (int k = 0; k < columns; k++) {
          short half = data.get(SHORT, tile + ((long) k * TILE + lane) * Short.BYTES);
          out[outOffset + k] = Float.float16ToFloat(half);
        }
      }
      case BF16 -> {
        for (int k = 0; k < columns; k++) {
          short upper = data.get(SHORT, tile + ((long) k * TILE + lane) * Short.BYTES);
          out[outOffset + k] = Float.intBitsToFloat(upper << 16);
        }
      }
      case Q8_0 -> {
        for (int k = 0; k < columns; k++) {
          out[outOffset + k] = scale(row, k) * data.get(BYTE, tile + (long) k * TILE + lane);
        }
      }
      case Q4_0 -> {
        for (int k = 0; k < columns; k++) {
          int pair = data.get(BYTE, tile + (long) (k / 2) * TILE + lane);
          int q = (k % 2 == 0) ? (pair << 28) >> 28 : pair >> 4;
          out[outOffset + k] = scale(row, k) * q;
        }
      }
    }
  }

  private float scale(int row, int column) {
    return data.get(FLOAT, scaleOffset(row, column / BLOCK));
  }

  private void packScale(int row, int block, short half) {
    data.set(FLOAT, scaleOffset(row, block), Float.float16ToFloat(half));
  }

  private long scaleOffset(int row, int block) {
    long scales = scaleOffset(row / TILE) + (long) block * SCALE_BYTES;
    return scales + (long) (row % TILE) * Float.BYTES;
  }

  private void packRow(MemorySegment source, long from, int row) {
    long tile = tileOffset(row / TILE);
    int lane = row % TILE;
    switch (dtype) {
      case F32 -> {
        for (int k = 0; k < columns; k++) {
          float value = source.get(FLOAT, from + (long) k * Float.BYTES);
          data.set(FLOAT, tile + ((long) k * TILE + lane) * Float.BYTES, value);
        }
      }
      case F16, BF16 -> {
        for (int k = 0; k < columns; k++) {
          short value = source.get(SHORT, from + (long) k * Short.BYTES);
          data.set(SHORT, tile + ((long) k * TILE + lane) * Short.BYTES, value);
        }
      }
      case Q8_0 -> {
        for (int block = 0; block < columns / BLOCK; block++) {
          long at = from + (long) block * dtype.blockBytes();
          packScale(row, block, source.get(SHORT, at));
          for (int j = 0; j < BLOCK; j++) {
            byte q = source.get(BYTE, at + Short.BYTES + j);
            data.set(BYTE, tile + (long) (block * BLOCK + j) * TILE + lane, q);
          }
        }
      }
      case Q4_0 -> {
        for (int block = 0; block < columns / BLOCK; block++) {
          long at = from + (long) block * dtype.blockBytes();
          packScale(row, block, source.get(SHORT, at));
          for (int j = 0; j < BLOCK; j += 2) {
            int pair = nibble(source, at, j) | nibble(source, at, j + 1) << 4;
            data.set(BYTE, tile + (long) ((block * BLOCK + j) / 2) * TILE + lane, (byte) pair);
          }
        }
      }
    }
  }

  /** Element j of a GGML Q4_0 block, minus 8, in four bits. */
  private static int nibble(MemorySegment source, long block, int j) {
    int half = BLOCK / 2;
    int pair = source.get(BYTE, block + Short.BYTES + j % half);
    int q = (j < half) ? pair & 0xf : (pair >> 4) & 0xf;
    return (q - 8) & 0xf;
  }

  private static long quantBytes(DType dtype, int columns) {
    return switch (dtype) {
      case F32 -> (long) columns * TILE * Float.BYTES;
      case F16, BF16 -> (long) columns * TILE * Short.BYTES;
      case Q8_0 -> (long) columns * TILE;
      case Q4_0 -> (long) columns * TILE / 2;
    };
  }

  private static long scaleBytes(DType dtype, int columns) {
    return switch (dtype) {
      case F32, F16, BF16 -> 0;
      case Q8_0, Q4_0 -> (long) (columns / BLOCK) * SCALE_BYTES;
    };
  }
}
