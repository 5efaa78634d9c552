package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.GateScratch;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.Scratch;

/**
 * Working memory of the forward pass for one decoder, grown to the largest step and then reused: no
 * allocation per token in steady state. Confined to one thread.
 */
public final class Activations {
  private final ModelConfig config;
  final Scratch matmul;
  final GateScratch gate;

  /** {@code [M, C]} residual stream of every slot. */
  float[] residual = new float[0];

  /** {@code [M, C]} residuals of the slots that run the current layer, gathered. */
  float[] panel;

  float[] normed;
  float[] query;
  float[] key;
  float[] value;
  float[] attended;
  float[] projected;
  float[] gateOut;
  float[] upOut;

  /** {@code [producing slots, V]}. */
  float[] logits = new float[0];

  float[] scores = new float[0];
  float[] probeLogits = new float[0];
  boolean[] runs;
  boolean[] left;
  boolean[] decided;
  int[] index;
  int[] gatePositions;
  int[] gateIndex;
  int[] visible;
  int[] layersRun;

  /** Memory for steps of this model; grows on demand. */
  public Activations(ModelConfig config, Kernels kernels) {
    this.config = config;
    this.matmul = kernels.newScratch();
    this.gate = new GateScratch(kernels);
  }

  void ensure(int slots, int producing, int positions) {
    int c = config.hiddenSize();
    if (residual.length < slots * c) {
      int m = Math.max(slots, 16);
      residual = new float[m * c];
      panel = new float[m * c];
      normed = new float[m * c];
      projected = new float[m * c];
      query = new float[m * config.queryDim()];
      attended = new float[m * config.queryDim()];
      key = new float[m * config.kvDim()];
      value = new float[m * config.kvDim()];
      gateOut = new float[m * config.intermediateSize()];
      upOut = new float[m * config.intermediateSize()];
      runs = new boolean[m];
      left = new boolean[m];
      decided = new boolean[m];
      index = new int[m];
      gatePositions = new int[m];
      gateIndex = new int[m];
      visible = new int[m];
      layersRun = new int[m];
    }
    if (logits.length < producing * config.vocabSize()) {
      logits = new float[producing * config.vocabSize()];
    }
    int perHead = (positions / Kernels.PAGE + 1) * Kernels.PAGE;
    int heads = Math.min(4, config.groupSize());
    if (scores.length < heads * perHead) {
      scores = new float[2 * heads * perHead];
    }
  }

  void ensureProbes(int slots) {
    if (probeLogits.length < slots * config.vocabSize()) {
      probeLogits = new float[slots * config.vocabSize()];
    }
  }

  /** {@code [producing slots, V]} logits of the last step, in slot order. */
  public float[] logits() {
    return logits;
  }
}
