package dev.nightjar.engine.kernel;

import dev.nightjar.engine.tensor.BlockFormat;
import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The scales and shifts of a group in the scaled forms of {@link PackedMatrix}, in front of its
 * quants. For each block of the element type there are {@code [32]} fp32 scales; {@code [32]} fp32
 * shifts if the type has them; and, if blocks have factors, {@code [spans, 32]} bytes of factors of
 * the scale and as many of the shift. Stateless.
 */
enum ScaleTable {
  Q4_1(DType.Q4_1, 32, 0),
  Q5_1(DType.Q5_1, 32, 0),
  Q2_K(DType.Q2_K, 16, 0),
  /** Shifted so that its quants are not negative; zero weights come out positive. */
  Q3_K(DType.Q3_K, 16, -4),
  Q4_K(DType.Q4_K, 32, 0),
  Q5_K(DType.Q5_K, 32, 0),
  Q6_K(DType.Q6_K, 16, 0);

  /** Columns that have one scale and one shift in the tables handed to kernels. */
  static final int SPAN = BlockFormat.SPAN;

  /** Floats of a span in such a table: scales of a group's rows, then shifts. */
  static final int SPAN_FLOATS = 2 * PackedMatrix.GROUP;

  /** Floats of the table of one piece of a product. */
  static final int PIECE_FLOATS = PanelKernels.DEPTH / SPAN * SPAN_FLOATS;

  private static final int GROUP = PackedMatrix.GROUP;
  private static final int COLUMN_BYTES = PackedMatrix.COLUMN_BYTES;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;

  /** Columns of a block. */
  final int block;

  /** Columns that share factors. */
  final int span;

  /** What is added to quants that would be negative otherwise. */
  final int bias;

  final boolean shifts;
  final boolean factors;
  final int blockBytes;

  /** Bytes from the factors of the scale to those of the shift. */
  final int shiftFactors;

  private final BlockFormat format;

  ScaleTable(DType dtype, int span, int bias) {
    this.format = dtype.format();
    this.block = dtype.blockElements();
    this.span = span;
    this.bias = bias;
    this.shifts = format.shifts();
    this.factors = span < block;
    this.shiftFactors = block / span * GROUP;
    int both = shifts ? 2 : 1;
    this.blockBytes = both * (COLUMN_BYTES + (factors ? shiftFactors : 0));
  }

  static ScaleTable of(DType dtype) {
    return valueOf(dtype.name());
  }

  /** Bytes of a group's table. */
  long byteSize(int columns) {
    return (long) (columns / block) * blockBytes;
  }

  /** Where the block of a column begins in a group's table. */
  long blockOffset(int column) {
    return (long) (column / block) * blockBytes;
  }

  /** Where the factors of a column's scales begin in its block. */
  int factorsOffset(int column) {
    return (shifts ? 2 * COLUMN_BYTES : COLUMN_BYTES) + column % block / span * GROUP;
  }

  /** Packs the scales of a block of one row, {@code at} being where the group's block begins. */
  void pack(MemorySegment source, long from, MemorySegment data, long at, int lane) {
    long number = at + (long) lane * Float.BYTES;
    data.set(FLOAT, number, format.scale(source, from));
    if (shifts) {
      data.set(FLOAT, number + COLUMN_BYTES, format.shift(source, from));
    }
    for (int column = 0; factors && column < block; column += span) {
      long to = at + factorsOffset(column) + lane;
      data.set(BYTE, to, (byte) format.factor(source, from, column / SPAN));
      if (shifts) {
        int factor = format.shiftFactor(source, from, column / SPAN);
        data.set(BYTE, to + shiftFactors, (byte) factor);
      }
    }
  }

  /** The scale of a packed row in a column; {@code table} is where the group begins. */
  float scale(MemorySegment data, long table, int lane, int column) {
    long at = table + blockOffset(column);
    float scale = data.get(FLOAT, at + (long) lane * Float.BYTES);
    return factors ? scale * data.get(BYTE, at + factorsOffset(column) + lane) : scale;
  }

  /** The shift of a packed row in a column. */
  float shift(MemorySegment data, long table, int lane, int column) {
    if (!shifts) {
      return bias == 0 ? -0f : bias * scale(data, table, lane, column);
    }
    long at = table + blockOffset(column);
    float shift = data.get(FLOAT, at + COLUMN_BYTES + (long) lane * Float.BYTES);
    long factor = at + factorsOffset(column) + shiftFactors + lane;
    return factors ? shift * data.get(BYTE, factor) : shift;
  }
}
