package dev.nightjar.engine.depth;

/**
 * Decides from the residual stream that enters a layer, for all slots of a step at once; each
 * slot's decision depends on its own residual and position alone. Implementations are immutable and
 * safe for concurrent use.
 */
public interface Gate {
  /** Whether this layer is gated; the others run. */
  boolean gates(int layer);

  /** Multiply-adds of the gates of a layer for one slot. */
  long macs(int layer);

  /**
   * Decides for several slots.
   *
   * @param x {@code [rows, hiddenSize]} raw residuals, not normalised
   * @param positions {@code [rows]} absolute positions
   * @param cells {@code [rows]} of {@link Cells}, overwritten
   */
  void gate(int layer, float[] x, int[] positions, int rows, byte[] cells, GateScratch scratch);
}
