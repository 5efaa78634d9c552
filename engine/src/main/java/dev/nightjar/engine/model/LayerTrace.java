package dev.nightjar.engine.model;

/** Is shown the residual stream of every slot as a step goes up; for calibration. */
public interface LayerTrace {
  /**
   * The residuals that enter a layer, or leave the last one.
   *
   * @param layer in {@code [0, numLayers]}
   * @param residual {@code [slots, hiddenSize]}; read only
   */
  void entering(int layer, float[] residual, int slots);

  /** The residuals between the attention and the feed-forward of a layer. */
  void betweenSublayers(int layer, float[] residual, int slots);
}
