package dev.nightjar.engine.depth;

/**
 * The same cells for every token of every row, prompt tokens included: explicit layer paths,
 * dropped blocks, fixed sets of sublayers.
 */
final class FixedCells implements Schedule {
  private final byte[] cells;
  private final boolean repeats;

  /**
   * @param cells {@code [layers]} of {@link Cells}
   */
  FixedCells(byte[] cells) {
    this.cells = cells.clone();
    boolean twice = false;
    for (byte cell : cells) {
      twice |= Cells.repeats(cell);
    }
    this.repeats = twice;
  }

  @Override
  public byte cells(int layer, int position, RowContext row) {
    return cells[layer];
  }

  @Override
  public boolean repeats() {
    return repeats;
  }
}
