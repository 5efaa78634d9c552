package dev.nightjar.engine.depth;

/**
 * Decides once per row, while its prompt is computed: at some layers it sees the residuals of the
 * whole prompt and writes the row's plan ({@link RowContext#plan}), which holds for the prompt from
 * that layer on and for every generated token. Rows under a planner are prefilled in one piece.
 * Implementations are immutable and safe for concurrent use.
 */
public interface RowPlanner {
  /** Whether to look at the prompt before this layer. */
  boolean plans(int layer);

  /** Multiply-adds spent on a look at this layer. */
  long macs(int layer, int promptTokens);

  /**
   * Looks at the prompt; may change the plan of this layer and of those above.
   *
   * @param x {@code [promptTokens, hiddenSize]} residuals that enter the layer, in position order
   */
  void plan(int layer, float[] x, RowContext row, GateScratch scratch);

  /** Whether any layer ever runs twice. */
  default boolean repeats() {
    return false;
  }
}
