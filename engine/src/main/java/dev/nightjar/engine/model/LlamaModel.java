package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.PackedMatrix;

/**
 * The one forward pass (Llama: pre-norm, rotary attention with grouped queries, SwiGLU). A step
 * walks the layers; in each one the policy names the slots that run, their residuals are gathered
 * into a dense panel, computed and scattered back. What a layer does not run costs nothing and
 * leaves no keys and values; a token that has exited leaves those computed from its frozen
 * residual.
 *
 * <p>Every slot's result is independent of the other slots of the step. Immutable and safe for
 * concurrent use with one {@link Activations} per thread.
 */
public final class LlamaModel {
  private final ModelWeights weights;
  private final ModelConfig config;
  private final Kernels kernels;
  private final DepthPolicy policy;
  private final RotaryTable rotary;
  private final float attentionScale;

  /** A model over loaded weights that runs under one depth policy. */
  public LlamaModel(ModelWeights weights, Kernels kernels, DepthPolicy policy) {
    this.weights = weights;
    this.config = weights.config();
    this.kernels = kernels;
    this.policy = policy;
    this.rotary = new RotaryTable(config);
    this.attentionScale = (float) (1.0 / Math.sqrt(config.headDim()));
  }

  /** The architecture. */
  public ModelConfig config() {
    return config;
  }

  /** The policy that every step runs under. */
  public DepthPolicy policy() {
    return policy;
  }

  /**
   * Runs one step; the producing slots' logits are in {@link Activations#logits()} afterwards, in
   * slot order.
   */
  public void forward(Step step, Activations act) {
    int slots = step.size;
    act.ensure(slots, step.numProducing, maxPosition(step) + 1);
    for (int i = 0; i < slots; i++) {
      step.sequences[i].enter(step.positions[i]);
      weights.embedding.readRow(step.tokens[i], act.residual, i * config.hiddenSize());
      act.left[i] = false;
      act.layersRun[i] = config.numLayers();
    }
    for (int layer = 0; layer < config.numLayers(); layer++) {
      choose(layer, step, act);
      int executed = gather(step, act);
      int projected = gatherLeft(step, act, executed);
      if (executed + projected > 0) {
        attention(layer, step, act, executed, projected);
      }
      if (executed > 0) {
        feedForward(weights.layers[layer], act, executed);
        scatter(act, executed);
      }
      if (policy.probes(layer + 1)) {
        probe(layer + 1, step, act);
      }
    }
    head(step, act);
  }

  private static int maxPosition(Step step) {
    int max = 0;
    for (int i = 0; i < step.size; i++) {
      max = Math.max(max, step.positions[i]);
    }
    return max;
  }

  /** Sets {@code act.runs}: which slots run this layer. */
  private void choose(int layer, Step step, Activations act) {
    boolean gated = policy.gates(layer);
    int candidates = 0;
    for (int i = 0; i < step.size; i++) {
      boolean runs = !act.left[i];
      if (runs && policy.schedules()) {
        runs = policy.runs(layer, step.positions[i], step.prompt[i], step.sequences[i].rowHash);
      }
      act.runs[i] = runs;
      if (gated && runs) {
        act.gateIndex[candidates] = i;
        act.gatePositions[candidates] = step.positions[i];
        copyRow(act.residual, i, act.panel, candidates);
        candidates++;
      }
    }
    if (candidates > 0) {
      policy.gate(layer, act.panel, act.gatePositions, candidates, act.decided, act.gate);
      for (int g = 0; g < candidates; g++) {
        act.runs[act.gateIndex[g]] = act.decided[g];
        step.sequences[act.gateIndex[g]].counter.spent(policy.gateMacs());
      }
    }
    for (int i = 0; i < step.size; i++) {
      if (act.left[i]) {
        step.sequences[i].counter.leftBelow();
      } else if (!act.runs[i]) {
        step.sequences[i].counter.skipped(step.producing[i]);
      } else {
        step.sequences[i].traceRun(step.positions[i], layer);
      }
    }
  }

  /** Copies the residuals of the running slots to the front of the panel; returns their number. */
  private int gather(Step step, Activations act) {
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (act.runs[i]) {
        copyRow(act.residual, i, act.panel, rows);
        act.index[rows++] = i;
      }
    }
    return rows;
  }

  /**
   * Appends the residuals of the slots that have exited, whose keys and values are still wanted;
   * returns their number.
   */
  private int gatherLeft(Step step, Activations act, int executed) {
    int rows = executed;
    for (int i = 0; i < step.size; i++) {
      if (act.left[i]) {
        copyRow(act.residual, i, act.panel, rows);
        act.index[rows++] = i;
      }
    }
    return rows - executed;
  }

  private void copyRow(float[] from, int fromRow, float[] to, int toRow) {
    int c = config.hiddenSize();
    System.arraycopy(from, fromRow * c, to, toRow * c, c);
  }

  private void scatter(Activations act, int executed) {
    for (int row = 0; row < executed; row++) {
      copyRow(act.panel, row, act.residual, act.index[row]);
    }
  }

  private void attention(int layer, Step step, Activations act, int executed, int projected) {
    LayerWeights w = weights.layers[layer];
    int c = config.hiddenSize();
    int kvDim = config.kvDim();
    int queryDim = config.queryDim();
    int rows = executed + projected;
    kernels.rmsNorm(act.panel, c, w.attentionNorm(), config.rmsNormEps(), c, rows, act.normed, c);
    linear(w.key(), w.keyBias(), act.normed, c, rows, act.key, kvDim, act);
    linear(w.value(), w.valueBias(), act.normed, c, rows, act.value, kvDim, act);
    for (int row = 0; row < rows; row++) {
      int slot = act.index[row];
      KvCache cache = step.sequences[slot].cache;
      rotate(act.key, row * kvDim, config.numKvHeads(), step.positions[slot]);
      cache.append(layer, act.key, act.value, row * kvDim);
      act.visible[row] = cache.length(layer);
    }
    if (executed == 0) {
      return;
    }
    linear(w.query(), w.queryBias(), act.normed, c, executed, act.query, queryDim, act);
    for (int row = 0; row < executed; row++) {
      int slot = act.index[row];
      rotate(act.query, row * queryDim, config.numHeads(), step.positions[slot]);
      attend(layer, step.sequences[slot].cache, act, row);
      step.sequences[slot].counter.ran(layer, step.producing[slot], act.visible[row]);
    }
    linear(w.output(), w.outputBias(), act.attended, queryDim, executed, act.projected, c, act);
    kernels.add(act.panel, 0, act.projected, 0, executed * c);
  }

  private void rotate(float[] heads, int offset, int count, int position) {
    float[][] block = rotary.block(position);
    kernels.rotate(
        heads, offset, count, config.headDim(), block[0], block[1], rotary.offset(position));
  }

  private void attend(int layer, KvCache cache, Activations act, int row) {
    int group = config.groupSize();
    for (int kvHead = 0; kvHead < config.numKvHeads(); kvHead++) {
      int offset = row * config.queryDim() + kvHead * group * config.headDim();
      kernels.attend(
          act.query,
          offset,
          cache.keyPages(layer),
          cache.valuePages(layer),
          act.visible[row],
          kvHead,
          group,
          config.headDim(),
          attentionScale,
          act.scores,
          act.attended,
          offset);
    }
  }

  private void feedForward(LayerWeights w, Activations act, int rows) {
    int c = config.hiddenSize();
    int f = config.intermediateSize();
    kernels.rmsNorm(act.panel, c, w.feedForwardNorm(), config.rmsNormEps(), c, rows, act.normed, c);
    linear(w.gate(), w.gateBias(), act.normed, c, rows, act.gateOut, f, act);
    linear(w.up(), w.upBias(), act.normed, c, rows, act.upOut, f, act);
    kernels.siluMultiply(act.gateOut, act.upOut, rows * f);
    linear(w.down(), w.downBias(), act.gateOut, f, rows, act.projected, c, act);
    kernels.add(act.panel, 0, act.projected, 0, rows * c);
  }

  private void linear(
      PackedMatrix w,
      float[] bias,
      float[] x,
      int width,
      int rows,
      float[] out,
      int outWidth,
      Activations act) {
    kernels.matmul(w, x, width, rows, out, outWidth, act.matmul);
    if (bias != null) {
      for (int row = 0; row < rows; row++) {
        kernels.add(out, row * outWidth, bias, 0, outWidth);
      }
    }
  }

  /**
   * Applies the head to the generated tokens still on their way and lets the confident ones leave
   * with these logits.
   */
  private void probe(int layersRun, Step step, Activations act) {
    int rows = 0;
    for (int i = 0; i < step.size; i++) {
      if (step.producing[i] && !step.prompt[i] && !act.left[i]) {
        copyRow(act.residual, i, act.panel, rows);
        act.index[rows++] = i;
      }
    }
    if (rows == 0) {
      return;
    }
    int v = config.vocabSize();
    act.ensureProbes(rows);
    headOf(act, rows, act.probeLogits);
    for (int row = 0; row < rows; row++) {
      int slot = act.index[row];
      step.sequences[slot].counter.spent(config.headMacs());
      float logSum = kernels.logSumExp(act.probeLogits, row * v, v);
      int first = kernels.argmax(act.probeLogits, row * v, v);
      float top1 = Kernels.exp(act.probeLogits[row * v + first] - logSum);
      float top2 = Kernels.exp(secondLargest(act.probeLogits, row * v, v, first) - logSum);
      if (policy.exits(layersRun, top1, top2)) {
        act.left[slot] = true;
        act.layersRun[slot] = layersRun;
        System.arraycopy(act.probeLogits, row * v, act.logits, producingIndex(step, slot) * v, v);
      }
    }
  }

  private static float secondLargest(float[] x, int offset, int count, int first) {
    float second = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      if (i != first && x[offset + i] > second) {
        second = x[offset + i];
      }
    }
    return second;
  }

  private static int producingIndex(Step step, int slot) {
    int index = 0;
    for (int i = 0; i < slot; i++) {
      if (step.producing[i]) {
        index++;
      }
    }
    return index;
  }

  /**
   * Logits of the producing slots that have not left; those that have keep the logits they left
   * with.
   */
  private void head(Step step, Activations act) {
    int v = config.vocabSize();
    int rows = 0;
    int producing = 0;
    boolean anyLeft = false;
    for (int i = 0; i < step.size; i++) {
      if (!step.producing[i]) {
        continue;
      }
      if (act.left[i]) {
        anyLeft = true;
        step.sequences[i].counter.producedByProbe(act.layersRun[i]);
      } else {
        copyRow(act.residual, i, act.panel, rows);
        act.index[rows++] = producing;
        step.sequences[i].counter.produced(config.numLayers());
      }
      producing++;
    }
    if (rows == 0) {
      return;
    }
    if (!anyLeft) {
      headOf(act, rows, act.logits);
      return;
    }
    act.ensureProbes(rows);
    headOf(act, rows, act.probeLogits);
    for (int row = 0; row < rows; row++) {
      System.arraycopy(act.probeLogits, row * v, act.logits, act.index[row] * v, v);
    }
  }

  private void headOf(Activations act, int rows, float[] out) {
    int c = config.hiddenSize();
    kernels.rmsNorm(act.panel, c, weights.finalNorm, config.rmsNormEps(), c, rows, act.normed, c);
    kernels.matmul(weights.head, act.normed, c, rows, out, config.vocabSize(), act.matmul);
  }
}
