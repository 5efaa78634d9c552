package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.PackedMatrix;

/**
 * D-LLM (Jiang et al., NeurIPS 2024, section 3): before every gated layer a small network reads the
 * token's raw residual and decides whether the layer runs; a skipped token passes by identity and
 * leaves no key and value in that layer. The first layers and the first positions of a sequence
 * always run.
 */
public final class TokenRouter implements Gate {

  /**
   * One layer's decision module: {@code Linear(d -> h)}, RMSNorm, SiLU, {@code Linear(h -> 2)};
   * index 1 is "execute".
   *
   * @param down {@code [h, d]}
   * @param downBias {@code [h]}
   * @param norm {@code [h]}
   * @param up {@code [2, h]}
   * @param upBias {@code [2]}
   */
  public record Module(
      PackedMatrix down, float[] downBias, float[] norm, PackedMatrix up, float[] upBias) {}

  private final Kernels kernels;
  private final Module[] modules;
  private final int hiddenSize;
  private final int reservedPositions;
  private final float threshold;
  private final float eps;

  /**
   * @param modules {@code [layers]}; null where the layer always runs
   * @param threshold a layer runs when {@code z[1] - z[0] >= threshold}
   */
  public TokenRouter(
      Kernels kernels,
      Module[] modules,
      int hiddenSize,
      int reservedPositions,
      float threshold,
      float eps) {
    this.kernels = kernels;
    this.modules = modules.clone();
    this.hiddenSize = hiddenSize;
    this.reservedPositions = reservedPositions;
    this.threshold = threshold;
    this.eps = eps;
  }

  @Override
  public boolean gates(int layer) {
    return modules[layer] != null;
  }

  @Override
  public long macs(int layer) {
    return (hiddenSize + 2L) * modules[layer].norm().length;
  }

  @Override
  public void gate(
      int layer, float[] x, int[] positions, int rows, byte[] cells, GateScratch scratch) {
    Module module = modules[layer];
    int h = module.norm().length;
    scratch.ensure(rows, h);
    float[] hidden = scratch.hidden;
    kernels.matmul(module.down(), x, hiddenSize, rows, hidden, h, scratch.matmul);
    for (int row = 0; row < rows; row++) {
      kernels.add(hidden, row * h, module.downBias(), 0, h);
    }
    kernels.rmsNorm(hidden, h, module.norm(), eps, h, rows, scratch.normed, h);
    kernels.silu(scratch.normed, rows * h);
    kernels.matmul(module.up(), scratch.normed, h, rows, scratch.scores, 2, scratch.matmul);
    for (int row = 0; row < rows; row++) {
      float skip = scratch.scores[2 * row] + module.upBias()[0];
      float run = scratch.scores[2 * row + 1] + module.upBias()[1];
      boolean runs = positions[row] < reservedPositions || run - skip >= threshold;
      cells[row] = runs ? Cells.LAYER : Cells.SKIP;
    }
  }
}
