package dev.nightjar.engine.kernel;

import dev.nightjar.engine.tensor.BlockFormat;
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
 * <p>Thirty-two output rows form a group, and columns run inside it: for each column the rows'
 * values lie side by side, so that one vector load yields weights of different outputs, and a
 * product reads memory strictly forward. Little-endian; groups start at multiples of 64 bytes; rows
 * missing from the last group are zero. In a group,
 *
 * <ul>
 *   <li>{@code F32} and {@code F16} are {@code [columns, 32]};
 *   <li>{@code BF16} is {@code [columns / 2, 32]} of ints: an even column in the lower half, the
 *       next in the upper half, zero where there is none;
 *   <li>{@code Q8_0} is, for each 32 columns, {@code [32]} fp32 scales and {@code [32, 32]} bytes;
 *   <li>{@code Q4_0} is, for each 32 columns, {@code [32]} fp32 scales and {@code [4, 32]} ints of
 *       eight columns each, the first in the lowest four bits, plus 8;
 *   <li>{@code Q5_0}, {@code IQ4_NL} and {@code IQ4_XS} are as {@code Q8_0};
 *   <li>{@code Q5_1}, {@code Q5_K} and {@code Q6_K} are a {@link ScaleTable} and {@code [columns,
 *       32]} bytes;
 *   <li>{@code Q4_1}, {@code Q2_K}, {@code Q3_K} and {@code Q4_K} are a {@link ScaleTable} and
 *       {@code [columns / 8, 32]} ints of eight columns each, the first in the lowest four bits.
 * </ul>
 *
 * <p>Immutable once packed and safe for concurrent use; lives as long as its arena.
 */
public final class PackedMatrix {
  /** Raised whenever the same matrix packs into other bytes, so that stored ones are not reused. */
  public static final int LAYOUT_VERSION = 3;

  /** Output rows of a group. */
  static final int GROUP = 32;

  /** Columns that share a scale in the quantised types. */
  static final int BLOCK = 32;

  /** Bytes of a group's fp32 values of one column, or of its scales of one block. */
  static final int COLUMN_BYTES = GROUP * Float.BYTES;

  /** Columns of {@code Q4_0} in an int. */
  static final int NIBBLES = 8;

  private static final long ALIGNMENT = 64;

  /**
   * Room behind the last group, so that narrow vectors may load eight bytes where they need four.
   */
  private static final long SLACK = 64;

  /** Columns packed at a time: what they cover stays in the cache for the group's other rows. */
  private static final int STRIP = 256;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  private final DType dtype;
  private final PackedForm form;
  private final ScaleTable table;
  private final int rows;
  private final int columns;
  private final long tableBytes;
  private final long groupBytes;
  private final MemorySegment data;

  /** The shares asked for last; whoever needs them makes them, and all make the same. */
  private volatile PackedMatrix[] parts;

  private PackedMatrix(DType dtype, int rows, int columns, Arena arena) {
    this(dtype, rows, columns, arena.allocate(byteSize(dtype, rows, columns), ALIGNMENT));
  }

  private PackedMatrix(DType dtype, int rows, int columns, MemorySegment data) {
    this.dtype = dtype;
    this.form = PackedForm.of(dtype);
    this.table = form.isScaled() ? ScaleTable.of(dtype) : null;
    this.rows = rows;
    this.columns = columns;
    this.tableBytes = tableBytes(form, dtype, columns);
    this.groupBytes = groupBytes(dtype, columns);
    this.data = data;
  }

  /**
   * A matrix that was packed before, by this version of the layout.
   *
   * @param data what {@link #data()} of the packed matrix was: {@link #byteSize(DType, int, int)}
   *     bytes, beginning at a multiple of 64
   */
  public static PackedMatrix of(DType dtype, int rows, int columns, MemorySegment data) {
    long expected = byteSize(dtype, rows, columns);
    if (data.byteSize() != expected || data.address() % ALIGNMENT != 0) {
      throw new IllegalArgumentException(
          "found %d bytes at %#x, expected %d at a multiple of %d"
              .formatted(data.byteSize(), data.address(), expected, ALIGNMENT));
    }
    return new PackedMatrix(dtype, rows, columns, data);
  }

  /** Bytes of a packed matrix, padding included. */
  public static long byteSize(DType dtype, int rows, int columns) {
    return Math.addExact(Math.multiplyExact(groups(rows), groupBytes(dtype, columns)), SLACK);
  }

  private static int groups(int rows) {
    return (rows + GROUP - 1) / GROUP;
  }

  private static long groupBytes(DType dtype, int columns) {
    PackedForm form = PackedForm.of(dtype);
    int strips = (columns + form.stripColumns - 1) / form.stripColumns;
    return tableBytes(form, dtype, columns) + (long) strips * form.stripBytes;
  }

  private static long tableBytes(PackedForm form, DType dtype, int columns) {
    return form.isScaled() ? ScaleTable.of(dtype).byteSize(columns) : 0;
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
    long[] sources = new long[GROUP];
    float[] quants = new float[dtype.blockElements()];
    for (int first = 0; first < rows; first += GROUP) {
      int count = Math.min(GROUP, rows - first);
      for (int i = 0; i < count; i++) {
        sources[i] = source(t, rowOrder, first + i) * rowBytes;
      }
      for (int column = 0; column < columns; column += STRIP) {
        int end = Math.min(columns, column + STRIP);
        for (int i = 0; i < count; i++) {
          packed.packRow(t.data(), sources[i], first + i, column, end, quants);
        }
      }
    }
    return packed;
  }

  private static int source(Tensor t, IntUnaryOperator rowOrder, int row) {
    int source = rowOrder.applyAsInt(row);
    if (source < 0 || source >= t.rows()) {
      throw new IllegalArgumentException(
          t
              + ": packed row "
              + row
              + " asks for source row "
              + source
              + ", expected 0 to "
              + (t.rows() - 1));
    }
    return source;
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
      packed.setRow(row, w, row * cols);
    }
    return packed;
  }

  /** Replaces a row of an F32 matrix that nobody else reads at the moment. */
  void setRow(int row, float[] values, int offset) {
    for (int k = 0; k < columns; k++) {
      data.set(FLOAT, at(row, k) + lane(row) * Float.BYTES, values[offset + k]);
    }
  }

  /**
   * Some of the rows as a matrix of its own, over the same memory: one of several shares of about
   * the same size, or null where there are too few rows for all.
   */
  PackedMatrix share(int share, int shares) {
    PackedMatrix[] known = parts;
    if (known == null || known.length != shares) {
      known = new PackedMatrix[shares];
      for (int i = 0; i < shares; i++) {
        int first = firstRow(i, shares);
        int count = firstRow(i + 1, shares) - first;
        if (count > 0) {
          MemorySegment slice =
              data.asSlice(groupOffset(first / GROUP), byteSize(dtype, count, columns));
          known[i] = new PackedMatrix(dtype, count, columns, slice);
        }
      }
      parts = known;
    }
    return known[share];
  }

  /** The first row of a share; shares begin at whole groups and have at least one. */
  int firstRow(int share, int shares) {
    int whole = Math.max(1, rows / GROUP);
    return share == shares ? rows : (int) ((long) whole * share / shares) * GROUP;
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

  /** How the weights lie in {@link #data}. */
  PackedForm form() {
    return form;
  }

  /** The scales of a scaled form. */
  ScaleTable table() {
    return table;
  }

  /** Bytes of off-heap memory held, padding included. */
  public long byteSize() {
    return data.byteSize();
  }

  /** Groups of {@link #GROUP} rows, the last one possibly padded. */
  int groups() {
    return groups(rows);
  }

  /** All groups; {@link #offset} says where. */
  public MemorySegment data() {
    return data;
  }

  /** Where a group begins in {@link #data}. */
  long groupOffset(int group) {
    return group * groupBytes;
  }

  /**
   * Where a column of a group begins in {@link #data}; in the scaled forms, its quants.
   *
   * @param column a multiple of {@link #BLOCK} in quantised types, even in {@code BF16}
   */
  long offset(int group, int column) {
    return groupOffset(group) + tableBytes + (long) (column / form.stripColumns) * form.stripBytes;
  }

  /**
   * Converts one packed row to fp32. Zero weights of {@code Q4_0} and {@code Q3_K} come out
   * positive, whatever the sign of their scale.
   *
   * @param out {@code [>= outOffset + columns]}
   */
  public void readRow(int row, float[] out, int outOffset) {
    for (int k = 0; k < columns; k++) {
      long at = at(row, k);
      out[outOffset + k] =
          switch (form) {
            case FLOATS -> data.get(FLOAT, at + lane(row) * Float.BYTES);
            case HALVES -> Float.float16ToFloat(data.get(SHORT, at + lane(row) * Short.BYTES));
            case PAIRS -> Float.intBitsToFloat(data.get(SHORT, half(at, row, k)) << 16);
            case BYTES -> scale(at, row) * data.get(BYTE, quant(at, row, k));
            case NIBBLES -> scale(at, row) * (nibble(octet(at + COLUMN_BYTES, row, k), k) - 8) + 0f;
            case SCALED_BYTES -> scaled(data.get(BYTE, at + lane(row)), row, k);
            case SCALED_NIBBLES -> scaled(nibble(at + lane(row) * Integer.BYTES, k), row, k);
          };
    }
  }

  /** Byte offset of the columns that are stored together with column k. */
  private long at(int row, int k) {
    return offset(row / GROUP, k);
  }

  private static long lane(int row) {
    return row % GROUP;
  }

  private static long half(long at, int row, int k) {
    return at + lane(row) * Integer.BYTES + (long) (k % 2) * Short.BYTES;
  }

  private static long quant(long at, int row, int k) {
    return at + COLUMN_BYTES + (long) (k % BLOCK) * GROUP + lane(row);
  }

  /** Where the eight columns of column k are, in the block of 32 whose octets begin at byte at. */
  private static long octet(long at, int row, int k) {
    return at + (k % BLOCK / NIBBLES * (long) GROUP + lane(row)) * Integer.BYTES;
  }

  private int nibble(long octet, int k) {
    return data.get(INT, octet) >>> 4 * (k % NIBBLES) & 0xf;
  }

  private float scaled(int quant, int row, int k) {
    long at = groupOffset(row / GROUP);
    int lane = row % GROUP;
    return table.scale(data, at, lane, k) * quant + table.shift(data, at, lane, k);
  }

  private float scale(long at, int row) {
    return data.get(FLOAT, at + lane(row) * Float.BYTES);
  }

  /** Packs columns {@code [first, end)} of the row that begins at byte {@code from}. */
  private void packRow(
      MemorySegment source, long from, int row, int first, int end, float[] quants) {
    switch (dtype) {
      case F32 -> {
        for (int k = first; k < end; k++) {
          float value = source.get(FLOAT, from + (long) k * Float.BYTES);
          data.set(FLOAT, at(row, k) + lane(row) * Float.BYTES, value);
        }
      }
      case F16 -> {
        for (int k = first; k < end; k++) {
          short value = source.get(SHORT, from + (long) k * Short.BYTES);
          data.set(SHORT, at(row, k) + lane(row) * Short.BYTES, value);
        }
      }
      case BF16 -> {
        for (int k = first; k < end; k++) {
          short value = source.get(SHORT, from + (long) k * Short.BYTES);
          data.set(SHORT, half(at(row, k), row, k), value);
        }
      }
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS -> {
        for (int k = first; k < end; k += dtype.blockElements()) {
          long block = from + (long) (k / dtype.blockElements()) * dtype.blockBytes();
          packBlock(source, block, row, k, quants);
        }
      }
    }
  }

  /** Packs the block that begins with column {@code first}. */
  private void packBlock(MemorySegment source, long block, int row, int first, float[] quants) {
    BlockFormat format = dtype.format();
    format.quants(source, block, quants, 0);
    if (form.isScaled()) {
      long at = groupOffset(row / GROUP) + table.blockOffset(first);
      table.pack(source, block, data, at, row % GROUP);
    }
    for (int i = 0; i < dtype.blockElements(); i += BLOCK) {
      long at = at(row, first + i);
      if (!form.isScaled()) {
        float scale =
            format.scale(source, block) * format.factor(source, block, i / BlockFormat.SPAN);
        data.set(FLOAT, at + lane(row) * Float.BYTES, scale);
        at += COLUMN_BYTES;
      }
      switch (form) {
        case BYTES, SCALED_BYTES -> {
          for (int j = 0; j < BLOCK; j++) {
            data.set(BYTE, at + (long) j * GROUP + lane(row), (byte) quants[i + j]);
          }
        }
        case NIBBLES, SCALED_NIBBLES -> {
          int bias = form == PackedForm.NIBBLES ? -8 : table.bias;
          for (int j = 0; j < BLOCK; j += NIBBLES) {
            data.set(INT, octet(at, row, j), nibbles(quants, i + j, bias));
          }
        }
        case FLOATS, HALVES, PAIRS -> throw new IllegalStateException(form + " has no blocks");
      }
    }
  }

  /** Eight quants less their bias, the first in the lowest four bits. */
  private static int nibbles(float[] quants, int first, int bias) {
    int packed = 0;
    for (int i = 0; i < NIBBLES; i++) {
      packed |= (int) quants[first + i] - bias << 4 * i;
    }
    return packed;
  }
}
