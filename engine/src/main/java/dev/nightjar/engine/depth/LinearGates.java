package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;

/**
 * One linear gate per layer, fitted to recorded residuals by forward passes alone: a token runs the
 * layer when {@code w . x + b} reaches a threshold. Neither the gates nor the model were trained
 * through each other, so this is not D-LLM ({@link TokenRouter}) and should not be expected to
 * match it. The first layers and the first positions of a sequence always run.
 */
final class LinearGates implements Gate {
  private final Kernels kernels;
  private final Linear[] gates;
  private final int reservedPositions;
  private final float threshold;

  /**
   * @param gates {@code [layers]} of {@code [1, d]}; null where the layer always runs
   * @param reservedPositions first positions that run every layer
   * @param threshold lowest score that runs
   */
  LinearGates(Kernels kernels, Linear[] gates, int reservedPositions, float threshold) {
    this.kernels = kernels;
    this.gates = gates.clone();
    this.reservedPositions = reservedPositions;
    this.threshold = threshold;
  }

  @Override
  public boolean gates(int layer) {
    return gates[layer] != null;
  }

  @Override
  public long macs(int layer) {
    return gates[layer].macs();
  }

  @Override
  public void gate(
      int layer, float[] x, int[] positions, int rows, byte[] cells, GateScratch scratch) {
    scratch.ensure(rows, 1);
    gates[layer].apply(kernels, x, rows, scratch.scores, scratch.matmul);
    for (int row = 0; row < rows; row++) {
      boolean skips = positions[row] >= reservedPositions && scratch.scores[row] < threshold;
      cells[row] = skips ? Cells.SKIP : Cells.LAYER;
    }
  }
}
