package dev.nightjar.engine.depth;

/**
 * Shortens a prompt before it is read: its first layers run on the whole prompt, the last token's
 * query at a layer chooses tokens, and the row starts again with those alone, at fresh positions.
 * The first and the last token of a prompt always stay. Rows under a filter are prefilled in one
 * piece. Implementations are immutable and safe for concurrent use.
 */
public interface PromptFilter {
  /** The layer whose queries and keys choose; the layers below it run. */
  int layer();

  /** How many tokens of a prompt stay; a prompt that stays whole is not filtered. */
  int keeps(int promptTokens);

  /**
   * Chooses them.
   *
   * @param similarity {@code [tokens]} inner products of the last token's query with each token's
   *     key, both rotated, summed over query heads
   * @param keep {@code [tokens]}, all false on entry
   */
  void choose(float[] similarity, int tokens, boolean[] keep);
}
