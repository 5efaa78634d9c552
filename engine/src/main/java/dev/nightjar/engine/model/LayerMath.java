package dev.nightjar.engine.model;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.kernel.AttentionRuns;
import dev.nightjar.engine.kernel.AttentionShape;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.KvLayout;
import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.kernel.Products;
import java.util.Arrays;

/**
 * The arithmetic of one layer on a gathered panel: attention with grouped queries, gated
 * feed-forward, and the head, as the model's {@link BlockDesign} says. Immutable and safe for
 * concurrent use with one {@link Activations} per thread.
 */
final class LayerMath {
  private final ModelWeights weights;
  private final ModelConfig config;
  private final BlockDesign blocks;
  private final Kernels kernels;
  private final Rotation rotation;
  private final ExpertMath experts;

  /** By ordinal of the type of keys and values. */
  private final AttentionShape[] shapes;

  LayerMath(ModelWeights weights, Kernels kernels) {
    this.weights = weights;
    this.config = weights.config();
    this.blocks = config.blocks();
    this.kernels = kernels;
    this.rotation = new Rotation(config, kernels);
    this.experts = blocks.experts() == null ? null : new ExpertMath(config, kernels);
    this.shapes = new AttentionShape[KvType.values().length];
    for (KvType type : KvType.values()) {
      KvLayout layout = new KvLayout(type, config.numKvHeads(), config.headDim());
      float scale = blocks.scales().attention();
      shapes[type.ordinal()] =
          new AttentionShape(layout, config.groupSize(), scale, blocks.attentionCap());
    }
  }

  /** Reads a token's embedding into {@code out}. */
  void embed(int token, float[] out, int offset) {
    weights.embedding.readRow(token, out, offset);
    multiply(out, offset, config.hiddenSize(), blocks.scales().embedding());
  }

  private static void multiply(float[] x, int offset, int count, float factor) {
    for (int i = offset; factor != 1f && i < offset + count; i++) {
      x[i] *= factor;
    }
  }

  /**
   * Attention for the first {@code executed} rows of the panel, whose slots are in {@code
   * act.index}, added to them; of the {@code projected} rows behind, keys and values only.
   *
   * @param kvLayer where keys and values go
   */
  void attention(int layer, int kvLayer, Step step, Activations act, int executed, int projected) {
    LayerWeights.Attention w = weights.layers[layer].attention();
    int rows = executed + projected;
    float[] input = normed(w.inputNorm(), act, rows);
    boolean together = executed == rows;
    Products products = act.products;
    products.clear();
    products.add(w.key().weight(), act.key);
    products.add(w.value().weight(), act.value);
    if (together) {
      products.add(w.query().weight(), act.query);
    }
    kernels.matmul(products, input, config.hiddenSize(), rows, act.matmul);
    finishKeys(w, rows, act);
    addBias(w.value().bias(), act.value, rows);
    for (int row = 0; row < rows; row++) {
      int slot = act.index[row];
      rotation.keys(layer, step.sequences[slot], act.key, row, step.positions[slot]);
    }
    append(layer, kvLayer, step, act, executed, rows);
    if (executed == 0) {
      return;
    }
    if (!together) {
      queries(w, input, executed, act);
    }
    finishQueries(w, executed, act);
    for (int row = 0; row < executed; row++) {
      int slot = act.index[row];
      SequenceState sequence = step.sequences[slot];
      rotation.queries(layer, sequence, act.query, row, step.positions[slot]);
      sequence.counter.attended(act.visible[row] - act.from[row]);
    }
    attend(layer, kvLayer, step, act, executed);
    int c = config.hiddenSize();
    linear(w.output(), act.attended, config.queryDim(), executed, act.projected, c, act);
    addToPanel(w.outputNorm(), act, executed);
  }

  /** The rows that a sublayer computes with: the panel's, normalised or as they are. */
  private float[] normed(float[] norm, Activations act, int rows) {
    if (norm == null) {
      return act.panel;
    }
    int c = config.hiddenSize();
    kernels.rmsNorm(act.panel, c, norm, config.rmsNormEps(), c, rows, act.normed, c);
    return act.normed;
  }

  /** Adds what a sublayer gave, in {@code act.projected}, to the panel. */
  private void addToPanel(float[] norm, Activations act, int rows) {
    int c = config.hiddenSize();
    if (norm != null) {
      kernels.rmsNorm(act.projected, c, norm, config.rmsNormEps(), c, rows, act.projected, c);
    }
    multiply(act.projected, 0, rows * c, blocks.scales().residual());
    kernels.add(act.panel, 0, act.projected, 0, rows * c);
  }

  private void queries(LayerWeights.Attention w, float[] input, int rows, Activations act) {
    int c = config.hiddenSize();
    kernels.matmul(w.query().weight(), input, c, rows, act.query, config.queryDim(), act.matmul);
  }

  /** Makes products with rows queries, not yet rotated. */
  private void finishQueries(LayerWeights.Attention w, int rows, Activations act) {
    addBias(w.query().bias(), act.query, rows);
    normHeads(w.queryNorm(), act.query, config.queryDim(), config.numHeads(), rows);
  }

  /** The same for keys. */
  private void finishKeys(LayerWeights.Attention w, int rows, Activations act) {
    addBias(w.key().bias(), act.key, rows);
    normHeads(w.keyNorm(), act.key, config.kvDim(), config.numKvHeads(), rows);
  }

  private void normHeads(float[] norm, float[] x, int width, int heads, int rows) {
    switch (blocks.queryKeyNorms()) {
      case NONE -> {}
      case HEADS -> {
        int d = config.headDim();
        kernels.rmsNorm(x, d, norm, config.rmsNormEps(), d, rows * heads, x, d);
      }
      case WIDTH -> kernels.rmsNorm(x, width, norm, config.rmsNormEps(), width, rows, x, width);
    }
  }

  /** Stores keys and values in slot order, so that each sequence's entries stay in its order. */
  private void append(int layer, int kvLayer, Step step, Activations act, int executed, int rows) {
    int window = blocks.layers().get(layer).window();
    int kvDim = config.kvDim();
    int run = 0;
    int passed = executed;
    while (run < executed || passed < rows) {
      boolean takesRun = passed == rows || (run < executed && act.index[run] < act.index[passed]);
      int row = takesRun ? run++ : passed++;
      int slot = act.index[row];
      KvCache cache = step.sequences[slot].cache;
      int position = step.positions[slot];
      cache.append(kvLayer, position, act.key, act.value, row * kvDim);
      act.visible[row] = cache.length(kvLayer);
      act.from[row] = window == 0 ? 0 : cache.firstFrom(kvLayer, position - window + 1);
    }
  }

  /** Attention proper, the rows of a sequence together. */
  private void attend(int layer, int kvLayer, Step step, Activations act, int executed) {
    int[] from = blocks.layers().get(layer).window() == 0 ? null : act.from;
    AttentionRuns runs = act.runs;
    int first = 0;
    while (first < executed) {
      SequenceState sequence = step.sequences[act.index[first]];
      int end = first + 1;
      while (end < executed && step.sequences[act.index[end]] == sequence) {
        end++;
      }
      KvCache cache = sequence.cache;
      AttentionShape shape = shapes[cache.layout().type().ordinal()];
      runs.add(shape, cache.pages(kvLayer), first, end - first);
      first = end;
    }
    kernels.attend(runs, act.query, act.attended, from, act.visible, act.matmul);
    runs.clear();
  }

  /** The feed-forward sublayer of the first {@code rows} rows of the panel, added to them. */
  void feedForward(int layer, Step step, Activations act, int rows) {
    LayerWeights.FeedForward w = weights.layers[layer].feedForward();
    float[] input = normed(w.inputNorm(), act, rows);
    if (w.router() == null) {
      expert(w.experts()[0], config.intermediateSize(), input, rows, act.projected, act);
    } else {
      experts.run(this, w, input, rows, act);
    }
    addToPanel(w.outputNorm(), act, rows);
    for (int row = 0; row < rows; row++) {
      step.sequences[act.index[row]].counter.fed(layer);
    }
  }

  /** A gated network: {@code out = down(f(gate(input)) * up(input))}. */
  void expert(
      LayerWeights.Expert w, int width, float[] input, int rows, float[] out, Activations act) {
    int c = config.hiddenSize();
    Products products = act.products;
    products.clear();
    products.add(w.gate().weight(), act.gateOut);
    products.add(w.up().weight(), act.upOut);
    kernels.matmul(products, input, c, rows, act.matmul);
    addBias(w.gate().bias(), act.gateOut, rows);
    addBias(w.up().bias(), act.upOut, rows);
    switch (blocks.activation()) {
      case SILU -> kernels.siluMultiply(act.gateOut, act.upOut, rows * width);
      case GELU_TANH -> kernels.geluMultiply(act.gateOut, act.upOut, rows * width);
    }
    linear(w.down(), act.gateOut, width, rows, out, c, act);
  }

  private void linear(
      LayerWeights.Linear w,
      float[] x,
      int width,
      int rows,
      float[] out,
      int outWidth,
      Activations act) {
    linear(w.weight(), w.bias(), x, width, rows, out, outWidth, act);
  }

  /** {@code out[m] = W x[m] + b} for the first {@code rows} rows. */
  void linear(
      PackedMatrix w,
      float[] bias,
      float[] x,
      int width,
      int rows,
      float[] out,
      int outWidth,
      Activations act) {
    kernels.matmul(w, x, width, rows, out, outWidth, act.matmul);
    addBias(bias, out, rows);
  }

  private void addBias(float[] bias, float[] x, int rows) {
    for (int row = 0; row < rows && bias != null; row++) {
      kernels.add(x, row * bias.length, bias, 0, bias.length);
    }
  }

  /** Final norm of one residual; {@code out} is {@code [C]}. Row 0 of the panel is overwritten. */
  void finalNorm(Activations act, int slot, float[] out) {
    int c = config.hiddenSize();
    System.arraycopy(act.residual, slot * c, act.panel, 0, c);
    kernels.rmsNorm(act.panel, c, weights.finalNorm, config.rmsNormEps(), c, 1, act.normed, c);
    System.arraycopy(act.normed, 0, out, 0, c);
  }

  /** Final norm and head of the first {@code rows} rows of the panel. */
  void head(Activations act, int rows, float[] out) {
    int c = config.hiddenSize();
    kernels.rmsNorm(act.panel, c, weights.finalNorm, config.rmsNormEps(), c, rows, act.normed, c);
    kernels.matmul(weights.head, act.normed, c, rows, out, config.vocabSize(), act.matmul);
    finish(out, rows * config.vocabSize());
  }

  /** What the architecture does to logits. */
  private void finish(float[] logits, int count) {
    multiply(logits, 0, count, blocks.scales().logits());
    if (blocks.logitCap() > 0) {
      kernels.softCap(logits, 0, count, blocks.logitCap());
    }
  }

  /**
   * The same for the tokens that are left of each slot's vocabulary.
   *
   * @param out {@code [rows, lists.size()]}; row r is of the slot {@code act.index[r]}
   */
  void head(Activations act, int rows, ShortLists lists, float[] out) {
    int c = config.hiddenSize();
    int size = lists.size();
    kernels.rmsNorm(act.panel, c, weights.finalNorm, config.rmsNormEps(), c, rows, act.normed, c);
    for (int row = 0; row < rows; row++) {
      System.arraycopy(act.normed, row * c, act.panel, 0, c);
      kernels.matmul(
          lists.head(act.index[row]), act.panel, c, 1, act.listed(size), size, act.matmul);
      System.arraycopy(act.listed(size), 0, out, row * size, size);
    }
    finish(out, rows * size);
  }

  /** Shortens a slot's vocabulary to the tokens with the largest logits. */
  void choose(ShortLists lists, int slot, float[] logits, int offset) {
    lists.choose(slot, logits, offset, config.vocabSize(), weights.head);
  }

  /**
   * Adds to {@code mass[t]} the attention that stored position t receives from a row of the panel:
   * the mean over its heads, times {@code weight}.
   */
  void addMass(int layer, KvCache cache, Activations act, int row, float weight, float[] mass) {
    int from = act.from[row];
    int visible = act.visible[row];
    int d = config.headDim();
    float[] scores = act.scores;
    for (int head = 0; head < config.numHeads(); head++) {
      int q = row * config.queryDim() + head * d;
      int kvHead = head / config.groupSize();
      float max = Float.NEGATIVE_INFINITY;
      dots(cache, layer, kvHead, act, q, visible);
      multiply(scores, from, visible - from, blocks.scales().attention());
      if (blocks.attentionCap() > 0) {
        kernels.softCap(scores, from, visible - from, blocks.attentionCap());
      }
      for (int t = from; t < visible; t++) {
        max = Math.max(max, scores[t]);
      }
      float sum = 0;
      for (int t = from; t < visible; t++) {
        scores[t] = Kernels.exp(scores[t] - max);
        sum += scores[t];
      }
      float factor = weight / (sum * config.numHeads());
      for (int t = from; t < visible; t++) {
        mass[t] = Math.fma(scores[t], factor, mass[t]);
      }
    }
  }

  /** Inner products of a query head with the first {@code visible} keys of a layer. */
  private void dots(KvCache cache, int layer, int kvHead, Activations act, int query, int visible) {
    float[] scores = act.scores;
    float[] keys = act.keys;
    for (int first = 0; first < visible; first += Kernels.PAGE) {
      cache.layout().readKeys(cache.pages(layer)[first / Kernels.PAGE], kvHead, keys);
      Arrays.fill(scores, first, first + Kernels.PAGE, 0f);
      for (int i = 0; i < config.headDim(); i++) {
        float factor = act.query[query + i];
        int column = i * Kernels.PAGE;
        for (int j = 0; j < Kernels.PAGE; j++) {
          scores[first + j] = Math.fma(factor, keys[column + j], scores[first + j]);
        }
      }
    }
  }

  /**
   * Inner products of the last row's query with every row's key at a layer, both rotated, summed
   * over query heads.
   *
   * @param rows residuals in the panel, which belong to the slots from {@code first} on
   * @param out {@code [rows]}, overwritten
   */
  void similarity(int layer, Step step, Activations act, int first, int rows, float[] out) {
    LayerWeights.Attention w = weights.layers[layer].attention();
    SequenceState sequence = step.sequences[first];
    int c = config.hiddenSize();
    int kvDim = config.kvDim();
    int d = config.headDim();
    float[] input = normed(w.inputNorm(), act, rows);
    kernels.matmul(w.key().weight(), input, c, rows, act.key, kvDim, act.matmul);
    finishKeys(w, rows, act);
    System.arraycopy(input, (rows - 1) * c, act.normed, 0, c);
    queries(w, act.normed, 1, act);
    finishQueries(w, 1, act);
    rotation.queries(layer, sequence, act.query, 0, step.positions[first + rows - 1]);
    float[] groups = act.attended;
    Arrays.fill(groups, 0, kvDim, 0f);
    for (int head = 0; head < config.numHeads(); head++) {
      kernels.add(groups, head / config.groupSize() * d, act.query, head * d, d);
    }
    for (int row = 0; row < rows; row++) {
      rotation.keys(layer, sequence, act.key, row, step.positions[first + row]);
      float dot = 0;
      for (int i = 0; i < kvDim; i++) {
        dot = Math.fma(groups[i], act.key[row * kvDim + i], dot);
      }
      out[row] = dot;
    }
  }
}
