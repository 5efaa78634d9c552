package dev.nightjar.engine.kernel;

import java.lang.foreign.Arena;

/**
 * Some rows of a {@link PackedMatrix} as a matrix of their own, chosen anew again and again without
 * allocation. Rows are fp32, so products with them equal those with the whole matrix bit for bit.
 * For one thread at a time.
 */
public final class RowSelection {
  private final PackedMatrix matrix;
  private final float[] row;

  /** Room for {@code rows} rows, all zero at first. */
  public RowSelection(int rows, int columns) {
    float[] zeros = new float[Math.multiplyExact(rows, columns)];
    this.matrix = PackedMatrix.ofFloats(zeros, rows, columns, Arena.ofAuto());
    this.row = new float[columns];
  }

  /**
   * Takes rows {@code ids[offset ..]} of {@code source}, as many as there is room for.
   *
   * @param ids ascending ones are read fastest
   */
  public void select(PackedMatrix source, int[] ids, int offset) {
    if (source.columns() != row.length) {
      throw new IllegalArgumentException(
          "found " + source.columns() + " columns, expected " + row.length);
    }
    for (int r = 0; r < matrix.rows(); r++) {
      source.readRow(ids[offset + r], row, 0);
      matrix.setRow(r, row, 0);
    }
  }

  /** The rows chosen last; valid until the next choice. */
  public PackedMatrix matrix() {
    return matrix;
  }
}
