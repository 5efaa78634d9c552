package dev.nightjar.engine.depth;

/**
 * Decides without looking at hidden states: by layer, position and row. Implementations are
 * immutable and safe for concurrent use.
 */
public interface Schedule {
  /** What a layer does for the slot at this position, one of {@link Cells}. */
  byte cells(int layer, int position, RowContext row);

  /**
   * Whether what a layer does for a prompt token depends on the row, apart from the fact that the
   * token belongs to its prompt.
   */
  default boolean dependsOnRow() {
    return false;
  }

  /** Whether any layer ever runs twice, which doubles the layers that keep keys and values. */
  default boolean repeats() {
    return false;
  }
}
