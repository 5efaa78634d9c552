package dev.nightjar.engine.depth;

import dev.nightjar.engine.kernel.PackedMatrix;

/**
 * What happens to the residual of a slot where a sublayer does not run, instead of nothing.
 *
 * @param attention {@code [layers]} factor where attention is skipped; null for 1
 * @param feedForward {@code [layers]} factor where the feed-forward is skipped; null for 1
 * @param map what stands in for a block of skipped layers, or null
 */
public record SkipOperation(float[] attention, float[] feedForward, BlockMap map) {

  /**
   * A linear map in place of a block of layers, applied where the block's first layer is skipped:
   * {@code x <- W x + b}.
   *
   * @param layer first layer of the block
   * @param weight {@code [d, d]}
   * @param bias {@code [d]}
   */
  public record BlockMap(int layer, PackedMatrix weight, float[] bias) {}
}
