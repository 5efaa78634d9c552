package dev.nightjar.engine.depth;

/**
 * Drafts for one row and learns from what becomes of its drafts; confined to the row's decoder.
 * What it does depends on the row alone.
 */
public interface Drafter {
  /** Nothing is watched. */
  int[] NONE = new int[0];

  /** Opens a round: the part of the model that drafts, or null to decode one token plainly. */
  DraftPlan plan();

  /** Most tokens of this round. */
  int length();

  /**
   * Drafted tokens below this probability are not verified and end the round; 0 if probabilities do
   * not matter.
   */
  float confidence();

  /** Whether to draft one more token in this round. */
  default boolean goesOn() {
    return true;
  }

  /**
   * Exits whose residuals are kept in this round, as numbers of layers run; either always {@link
   * #NONE} or, in some rounds, the same array.
   */
  default int[] watched() {
    return NONE;
  }

  /** How the round ended: how many tokens were drafted, and how many of them were generated. */
  default void verified(int drafted, int accepted) {}

  /**
   * What a draft from a watched exit would have been.
   *
   * @param exit index in {@link #watched}
   * @param right tokens it would have got right
   * @param tokens out of this many
   */
  default void shadowed(int exit, int right, int tokens) {}
}
