package dev.nightjar.engine.depth;

/**
 * Decides about feed-forward sublayers from what earlier ones did to the same token. A slot carries
 * one int of memory through the layers of its step, 0 at the first. Implementations are immutable
 * and safe for concurrent use; what they learn of a row goes to its {@link RowContext}.
 */
public interface FeedForwardRule {
  /** Whether the feed-forward sublayer of this layer runs. */
  boolean runs(int layer, int position, RowContext row, int memory);

  /** The slot's memory after a sublayer was skipped by {@link #runs}. */
  int skipped(int layer, int memory);

  /** What the residual is multiplied by where a sublayer was skipped by {@link #runs}. */
  default float factor(int layer, RowContext row) {
    return 1f;
  }

  /** Whether to be told what the sublayer, which runs, does to the residual. */
  boolean observes(int layer, int position, RowContext row, int memory);

  /**
   * What it did.
   *
   * @param cosine of the residuals before and after, the residual connection included
   * @param ratio norm after over norm before
   * @return the slot's memory from here on
   */
  int observed(int layer, int position, RowContext row, float cosine, float ratio, int memory);
}
