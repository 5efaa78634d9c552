package dev.nightjar.engine.depth;

/**
 * What a layer does for one slot, as bits: attention, feed-forward, or both, and whether the layer
 * runs a second time.
 */
public final class Cells {
  /** Nothing: the residual passes by. */
  public static final byte SKIP = 0;

  /** The attention sublayer runs. */
  public static final byte ATTENTION = 1;

  /** The feed-forward sublayer runs. */
  public static final byte FEED_FORWARD = 2;

  /** Both sublayers run. */
  public static final byte LAYER = ATTENTION | FEED_FORWARD;

  /** Both sublayers run, and then both once more. */
  public static final byte TWICE = LAYER | 4;

  private Cells() {}

  /** Whether the attention sublayer runs. */
  public static boolean attends(byte cells) {
    return (cells & ATTENTION) != 0;
  }

  /** Whether the feed-forward sublayer runs. */
  public static boolean feeds(byte cells) {
    return (cells & FEED_FORWARD) != 0;
  }

  /** Whether the layer runs twice. */
  public static boolean repeats(byte cells) {
    return cells == TWICE;
  }
}
