package dev.nightjar.engine.depth;

/**
 * Self-speculative decoding: a part of the model drafts some tokens, then all of it verifies them
 * in one step and keeps those that it would have generated itself, and one more. The tokens, their
 * log-probabilities and the keys and values left behind are bit for bit those of the dense model;
 * only the work differs.
 *
 * <p>Verification computes every drafted token at full depth, so it costs operations and saves
 * passes over the weights: a gain where a step is bound by reading weights, as with a single row in
 * flight, and a loss with a full batch. A decoder therefore drafts only in steps with at most
 * {@link #maxRows} generating rows. The work that is counted (operations, drafted and accepted
 * tokens) so depends on how full the decoder is; nothing else does.
 *
 * <p>Rows that sample with a temperature decode without drafts. Implementations are immutable and
 * safe for concurrent use.
 */
public interface Drafting {
  /** Most generating rows of a step that still drafts. */
  int maxRows();

  /** Most tokens that any round drafts. */
  int maxLength();

  /** What drafts for one row. */
  Drafter drafter(RowContext row);
}
