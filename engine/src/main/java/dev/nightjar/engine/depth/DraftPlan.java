package dev.nightjar.engine.depth;

import java.util.BitSet;

/** Which part of the model drafts: what each layer runs, one entry of {@link Cells} per layer. */
public final class DraftPlan {
  private final byte[] cells;
  private final int shared;

  private DraftPlan(byte[] cells) {
    this.cells = cells;
    int first = 0;
    while (first < cells.length && cells[first] == Cells.LAYER) {
      first++;
    }
    this.shared = first;
  }

  /** The first layers alone. */
  public static DraftPlan exit(int layers, int layersRun) {
    byte[] cells = new byte[layers];
    for (int layer = 0; layer < layersRun; layer++) {
      cells[layer] = Cells.LAYER;
    }
    return new DraftPlan(cells);
  }

  /** All layers without some of their sublayers. */
  public static DraftPlan without(int layers, BitSet attention, BitSet feedForward) {
    byte[] cells = new byte[layers];
    for (int layer = 0; layer < layers; layer++) {
      int attends = attention.get(layer) ? Cells.SKIP : Cells.ATTENTION;
      int feeds = feedForward.get(layer) ? Cells.SKIP : Cells.FEED_FORWARD;
      cells[layer] = (byte) (attends | feeds);
    }
    return new DraftPlan(cells);
  }

  /** What a layer runs. */
  public byte cells(int layer) {
    return cells[layer];
  }

  /**
   * Number of first layers that run whole: what they leave is what the whole model would have, so
   * verification goes on from there.
   */
  public int shared() {
    return shared;
  }
}
