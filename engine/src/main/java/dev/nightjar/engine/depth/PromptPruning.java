package dev.nightjar.engine.depth;

/**
 * Drops prompt tokens on the way up: after some layers, the tokens that the end of the prompt does
 * not attend to leave, and the layers above neither compute them nor keep their keys and values.
 * Rows under a pruning are prefilled in one piece; the last prompt token always stays.
 * Implementations are immutable and safe for concurrent use.
 */
public interface PromptPruning {
  /** Whether to prune after this layer. */
  boolean prunes(int layer);

  /** How many of the last live prompt tokens' attention counts. */
  int window(int layer, int liveTokens, RowContext row);

  /** Weight of the attention of the window's token {@code index} (0 is the first of it). */
  default float queryWeight(int index, int window) {
    return 1f;
  }

  /**
   * Chooses the tokens that stay.
   *
   * @param mass {@code [tokens]} attention each live token received, mean over heads and weighted
   *     sum over the window
   * @param positions {@code [tokens]} their absolute positions, ascending
   * @param keep {@code [tokens]}, all false on entry
   */
  void retain(int layer, float[] mass, int[] positions, int tokens, RowContext row, boolean[] keep);
}
