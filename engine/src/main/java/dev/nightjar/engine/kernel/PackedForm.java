package dev.nightjar.engine.kernel;

import dev.nightjar.engine.tensor.DType;

/** How the weights of a {@link PackedMatrix} lie in it; several element types share a form. */
enum PackedForm {
  FLOATS(1, PackedMatrix.COLUMN_BYTES),
  HALVES(1, PackedMatrix.COLUMN_BYTES / 2),
  PAIRS(2, PackedMatrix.COLUMN_BYTES),
  /** A byte for each weight, with a scale for 32 columns in front of them. */
  BYTES(PackedMatrix.BLOCK, PackedMatrix.COLUMN_BYTES + PackedMatrix.BLOCK * PackedMatrix.GROUP),
  /** Four bits less 8 for each weight, with a scale for 32 columns in front of them. */
  NIBBLES(
      PackedMatrix.BLOCK, PackedMatrix.COLUMN_BYTES + PackedMatrix.BLOCK * PackedMatrix.GROUP / 2),
  /** A byte for each weight, with scales and shifts that {@link ScaleTable} works out. */
  SCALED_BYTES(1, PackedMatrix.GROUP),
  /** Four bits for each weight, with such scales and shifts. */
  SCALED_NIBBLES(PackedMatrix.NIBBLES, PackedMatrix.COLUMN_BYTES);

  /** Columns that are stored together. */
  final int stripColumns;

  /** Bytes of those columns of a group. */
  final int stripBytes;

  PackedForm(int stripColumns, int stripBytes) {
    this.stripColumns = stripColumns;
    this.stripBytes = stripBytes;
  }

  static PackedForm of(DType dtype) {
    return switch (dtype) {
      case F32 -> FLOATS;
      case F16 -> HALVES;
      case BF16 -> PAIRS;
      case Q8_0, Q5_0, IQ4_NL, IQ4_XS -> BYTES;
      case Q4_0 -> NIBBLES;
      case Q5_1, Q5_K, Q6_K -> SCALED_BYTES;
      case Q4_1, Q2_K, Q3_K, Q4_K -> SCALED_NIBBLES;
    };
  }

  /** Whether weights are {@code quant * scale + shift} by a {@link ScaleTable}. */
  boolean isScaled() {
    return this == SCALED_BYTES || this == SCALED_NIBBLES;
  }
}
