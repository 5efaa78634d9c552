package dev.nightjar.engine.model;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.kernel.AttentionShape;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.KvLayout;
import dev.nightjar.engine.kernel.PackedMatrix;
import java.util.Arrays;

/**
 * The arithmetic of one layer on a gathered panel: pre-norm rotary attention with grouped queries,
 * SwiGLU feed-forward, and the head. Immutable and safe for concurrent use with one {@link
 * Activations} per thread.
 */
final class LayerMath {
  private final ModelWeights weights;
  private final ModelConfig config;
  private final Kernels kernels;
  private final RotaryTable rotary;
  private final float attentionScale;

  /** By ordinal of the type of keys and values. */
  private final AttentionShape[] shapes;

  LayerMath(ModelWeights weights, Kernels kernels) {
    this.weights = weights;
    this.config = weights.config();
    this.kernels = kernels;
    this.rotary = new RotaryTable(config);
    this.attentionScale = (float) (1.0 / Math.sqrt(config.headDim()));
    this.shapes = new AttentionShape[KvType.values().length];
    for (KvType type : KvType.values()) {
      KvLayout layout = new KvLayout(type, config.numKvHeads(), config.headDim());
      shapes[type.ordinal()] = new AttentionShape(layout, config.groupSize(), attentionScale);
    }
  }

  /** Reads a token's embedding into {@code out}. */
  void embed(int token, float[] out, int offset) {
    weights.embedding.readRow(token, out, offset);
  }

  /**
   * Attention for the first {@code executed} rows of the panel, whose slots are in {@code
   * act.index}, added to them; of the {@code projected} rows behind, keys and values only.
   *
   * @param kvLayer where keys and values go
   */
  void attention(int layer, int kvLayer, Step step, Activations act, int executed, int projected) {
    LayerWeights w = weights.layers[layer];
    int c = config.hiddenSize();
    int kvDim = config.kvDim();
    int queryDim = config.queryDim();
    int rows = executed + projected;
    kernels.rmsNorm(act.panel, c, w.attentionNorm(), config.rmsNormEps(), c, rows, act.normed, c);
    linear(w.key(), w.keyBias(), act.normed, c, rows, act.key, kvDim, act);
    linear(w.value(), w.valueBias(), act.normed, c, rows, act.value, kvDim, act);
    for (int row = 0; row < rows; row++) {
      rotate(act.key, row * kvDim, config.numKvHeads(), step.positions[act.index[row]]);
    }
    append(kvLayer, step, act, executed, rows);
    if (executed == 0) {
      return;
    }
    linear(w.query(), w.queryBias(), act.normed, c, executed, act.query, queryDim, act);
    for (int row = 0; row < executed; row++) {
      int slot = act.index[row];
      rotate(act.query, row * queryDim, config.numHeads(), step.positions[slot]);
      step.sequences[slot].counter.attended(act.visible[row]);
    }
    attend(kvLayer, step, act, executed);
    linear(w.output(), w.outputBias(), act.attended, queryDim, executed, act.projected, c, act);
    kernels.add(act.panel, 0, act.projected, 0, executed * c);
  }

  /** Stores keys and values in slot order, so that each sequence's entries stay in its order. */
  private void append(int kvLayer, Step step, Activations act, int executed, int rows) {
    int kvDim = config.kvDim();
    int run = 0;
    int passed = executed;
    while (run < executed || passed < rows) {
      boolean takesRun = passed == rows || (run < executed && act.index[run] < act.index[passed]);
      int row = takesRun ? run++ : passed++;
      int slot = act.index[row];
      KvCache cache = step.sequences[slot].cache;
      cache.append(kvLayer, step.positions[slot], act.key, act.value, row * kvDim);
      act.visible[row] = cache.length(kvLayer);
    }
  }

  private void rotate(float[] heads, int offset, int count, int position) {
    float[][] block = rotary.block(position);
    kernels.rotate(
        heads, offset, count, config.headDim(), block[0], block[1], rotary.offset(position));
  }

  /** Attention proper, for the rows of one sequence together. */
  private void attend(int kvLayer, Step step, Activations act, int executed) {
    int first = 0;
    while (first < executed) {
      SequenceState sequence = step.sequences[act.index[first]];
      int end = first + 1;
      while (end < executed && step.sequences[act.index[end]] == sequence) {
        end++;
      }
      KvCache cache = sequence.cache;
      kernels.attend(
          shapes[cache.layout().type().ordinal()],
          act.query,
          act.attended,
          first,
          end - first,
          cache.pages(kvLayer),
          act.visible,
          act.matmul);
      first = end;
    }
  }

  /** The feed-forward sublayer of the first {@code rows} rows of the panel, added to them. */
  void feedForward(int layer, Step step, Activations act, int rows) {
    LayerWeights w = weights.layers[layer];
    int c = config.hiddenSize();
    int f = config.intermediateSize();
    kernels.rmsNorm(act.panel, c, w.feedForwardNorm(), config.rmsNormEps(), c, rows, act.normed, c);
    linear(w.gate(), w.gateBias(), act.normed, c, rows, act.gateOut, f, act);
    linear(w.up(), w.upBias(), act.normed, c, rows, act.upOut, f, act);
    kernels.siluMultiply(act.gateOut, act.upOut, rows * f);
    linear(w.down(), w.downBias(), act.gateOut, f, rows, act.projected, c, act);
    kernels.add(act.panel, 0, act.projected, 0, rows * c);
    for (int row = 0; row < rows; row++) {
      step.sequences[act.index[row]].counter.fed();
    }
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
    if (bias != null) {
      for (int row = 0; row < rows; row++) {
        kernels.add(out, row * outWidth, bias, 0, outWidth);
      }
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
    int visible = act.visible[row];
    int d = config.headDim();
    float[] scores = act.scores;
    for (int head = 0; head < config.numHeads(); head++) {
      int q = row * config.queryDim() + head * d;
      int kvHead = head / config.groupSize();
      float max = Float.NEGATIVE_INFINITY;
      dots(cache, layer, kvHead, act, q, visible);
      for (int t = 0; t < visible; t++) {
        scores[t] *= attentionScale;
        max = Math.max(max, scores[t]);
      }
      float sum = 0;
      for (int t = 0; t < visible; t++) {
        scores[t] = Kernels.exp(scores[t] - max);
        sum += scores[t];
      }
      float factor = weight / (sum * config.numHeads());
      for (int t = 0; t < visible; t++) {
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
    LayerWeights w = weights.layers[layer];
    int c = config.hiddenSize();
    int kvDim = config.kvDim();
    int d = config.headDim();
    kernels.rmsNorm(act.panel, c, w.attentionNorm(), config.rmsNormEps(), c, rows, act.normed, c);
    linear(w.key(), w.keyBias(), act.normed, c, rows, act.key, kvDim, act);
    System.arraycopy(act.normed, (rows - 1) * c, act.normed, 0, c);
    linear(w.query(), w.queryBias(), act.normed, c, 1, act.query, config.queryDim(), act);
    rotate(act.query, 0, config.numHeads(), step.positions[first + rows - 1]);
    float[] groups = act.attended;
    Arrays.fill(groups, 0, kvDim, 0f);
    for (int head = 0; head < config.numHeads(); head++) {
      kernels.add(groups, head / config.groupSize() * d, act.query, head * d, d);
    }
    for (int row = 0; row < rows; row++) {
      rotate(act.key, row * kvDim, config.numKvHeads(), step.positions[first + row]);
      float dot = 0;
      for (int i = 0; i < kvDim; i++) {
        dot = Math.fma(groups[i], act.key[row * kvDim + i], dot);
      }
      out[row] = dot;
    }
  }
}
