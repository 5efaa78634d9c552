package dev.nightjar.engine;

import dev.nightjar.engine.model.LayerTrace;
import java.util.Arrays;

/** Copies the residuals of one step. */
final class ResidualRecorder implements LayerTrace {
  private final int hiddenSize;
  final float[][] residuals;
  final float[][] afterAttention;

  ResidualRecorder(int layers, int hiddenSize) {
    this.hiddenSize = hiddenSize;
    this.residuals = new float[layers + 1][];
    this.afterAttention = new float[layers][];
  }

  @Override
  public void entering(int layer, float[] residual, int slots) {
    residuals[layer] = Arrays.copyOf(residual, slots * hiddenSize);
  }

  @Override
  public void betweenSublayers(int layer, float[] residual, int slots) {
    afterAttention[layer] = Arrays.copyOf(residual, slots * hiddenSize);
  }
}
