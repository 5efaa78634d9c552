package dev.nightjar.engine.format;

/**
 * Produces the rows of a tensor to be written, in order, so that a large tensor need not be held in
 * memory.
 */
@FunctionalInterface
public interface RowSource {
  /**
   * Fills one row.
   *
   * @param row {@code [columns]}, overwritten
   */
  void fill(int index, float[] row);

  /** Rows out of one row-major array. */
  static RowSource of(float[] values) {
    return (index, row) ->
        System.arraycopy(values, Math.multiplyExact(index, row.length), row, 0, row.length);
  }
}
