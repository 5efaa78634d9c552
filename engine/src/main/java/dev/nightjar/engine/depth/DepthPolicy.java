package dev.nightjar.engine.depth;

/**
 * Decides, per slot (one token at one position) and layer, what runs. The forward pass asks through
 * the hooks below and pays nothing for a hook that is not live. A decision depends only on the row
 * itself (its key, positions and hidden states), never on the other rows of a batch.
 *
 * <p>Implementations are immutable and safe for concurrent use.
 */
public sealed interface DepthPolicy
    permits FullDepth, LayerSubset, RandomSkip, MaskReplay, TokenRouter, ConfidenceExit {

  /** The specification this policy was made from, as stored with results. */
  String spec();

  /** Whether {@link #runs} can ever say no. */
  default boolean schedules() {
    return false;
  }

  /**
   * Schedule: whether a layer runs for a slot, decided without its hidden state.
   *
   * @param prompt whether the slot holds a prompt token
   * @param rowHash hash of the row key
   */
  default boolean runs(int layer, int position, boolean prompt, long rowHash) {
    return true;
  }

  /** Whether {@link #gate} decides at this layer. */
  default boolean gates(int layer) {
    return false;
  }

  /** Multiply-adds of one gate evaluation for one slot. */
  default long gateMacs() {
    return 0;
  }

  /**
   * Gate: whether a layer runs for each of several slots, decided from the residual stream that
   * enters it.
   *
   * @param x {@code [rows, hiddenSize]} raw residuals, not normalised
   * @param positions {@code [rows]} absolute positions
   * @param execute {@code [rows]}, overwritten
   */
  default void gate(
      int layer, float[] x, int[] positions, int rows, boolean[] execute, GateScratch scratch) {
    throw new IllegalStateException(spec() + " has no gate at layer " + layer);
  }

  /** Whether a generated token may leave after this many layers. */
  default boolean probes(int layersRun) {
    return false;
  }

  /**
   * Exit: whether a generated token leaves now. The keys and values of the layers above are
   * computed from the hidden state it leaves with (state propagation, CALM, arXiv:2207.07061).
   *
   * @param top1 largest probability of the head applied here
   * @param top2 second largest
   */
  default boolean exits(int layersRun, float top1, float top2) {
    return false;
  }
}
