package dev.nightjar.engine.depth;

import java.util.BitSet;
import java.util.List;

/**
 * Replays recorded decisions of one row: slot at position p runs the layers in {@code
 * masks.get(p)}; later positions run all.
 */
public record MaskReplay(List<BitSet> masks) implements Schedule {
  public MaskReplay {
    masks = List.copyOf(masks);
  }

  @Override
  public byte cells(int layer, int position, RowContext row) {
    boolean runs = position >= masks.size() || masks.get(position).get(layer);
    return runs ? Cells.LAYER : Cells.SKIP;
  }
}
