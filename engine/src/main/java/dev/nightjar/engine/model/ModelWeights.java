package dev.nightjar.engine.model;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.depth.LowRankUpdates;
import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/**
 * The weights of one model, packed once and shared by all threads; immutable. The packed matrices
 * live in the arena they were loaded into.
 */
public final class ModelWeights {
  final ModelConfig config;
  final LayerWeights[] layers;
  final float[] finalNorm;
  final PackedMatrix head;
  final Tensor embedding;

  private ModelWeights(
      ModelConfig config,
      LayerWeights[] layers,
      float[] finalNorm,
      PackedMatrix head,
      Tensor embedding) {
    this.config = config;
    this.layers = layers;
    this.finalNorm = finalNorm;
    this.head = head;
    this.embedding = embedding;
  }

  /**
   * Packs the weights of {@code source}; the source must stay open as long as the weights are used,
   * because embeddings are read from it.
   *
   * @param updates low-rank updates to merge into the attention projections, in fp32
   */
  public static ModelWeights load(WeightSource source, LowRankUpdates updates, Arena arena) {
    return load(source, updates, MatrixSupply.packedInto(arena));
  }

  /** The same with matrices from elsewhere. */
  static ModelWeights load(WeightSource source, LowRankUpdates updates, MatrixSupply matrices) {
    ModelConfig config = source.config();
    Loader loader = new Loader(source, updates, matrices);
    LayerWeights[] layers = new LayerWeights[config.numLayers()];
    for (int layer = 0; layer < layers.length; layer++) {
      layers[layer] = loader.layer(layer);
    }
    Tensor embedding = loader.required("model.embed_tokens.weight");
    Tensor head = config.tiedEmbeddings() ? embedding : loader.required("lm_head.weight");
    return new ModelWeights(
        config,
        layers,
        loader.norm("model.norm.weight"),
        loader.packed("lm_head.weight", head, IntUnaryOperator.identity()),
        embedding);
  }

  /** Bytes of all matrices once packed, without packing them. */
  public static long packedBytes(WeightSource source, LowRankUpdates updates) {
    long[] bytes = new long[1];
    load(
        source,
        updates,
        (shape, packing) -> {
          bytes[0] += shape.byteSize();
          return null;
        });
    return bytes[0];
  }

  /** The architecture. */
  public ModelConfig config() {
    return config;
  }

  /** Bytes of all packed matrices. */
  public long byteSize() {
    long bytes = head.byteSize();
    for (LayerWeights layer : layers) {
      bytes += layer.byteSize();
    }
    return bytes;
  }

  /** Reads and packs tensors by their Hugging Face names. */
  private record Loader(WeightSource source, LowRankUpdates updates, MatrixSupply matrices) {

    LayerWeights layer(int layer) {
      return new LayerWeights(attention(layer), feedForward(layer));
    }

    private LayerWeights.Attention attention(int layer) {
      ModelConfig c = source.config();
      LayerNames names = new LayerNames(c, layer);
      boolean norms = c.blocks().queryKeyNorms() != BlockDesign.QueryKeyNorms.NONE;
      return new LayerWeights.Attention(
          norm(names.attentionInputNorm()),
          rotary(layer, "q_proj", c.numHeads()),
          norms ? norm(names.attention("q_norm") + ".weight") : null,
          rotary(layer, "k_proj", c.numKvHeads()),
          norms ? norm(names.attention("k_norm") + ".weight") : null,
          new LayerWeights.Linear(
              projection(layer, "v_proj", 0),
              c.qkvBias() ? vector(names.attention("v_proj") + ".bias") : null),
          linear(names.attention("o_proj"), c.outputBias()),
          norm(names.attentionOutputNorm()));
    }

    /** A query or key projection. */
    private LayerWeights.Linear rotary(int layer, String name, int heads) {
      String bias = new LayerNames(source.config(), layer).attention(name) + ".bias";
      return new LayerWeights.Linear(
          projection(layer, name, heads),
          source.config().qkvBias() ? rotated(vector(bias), heads) : null);
    }

    private LayerWeights.FeedForward feedForward(int layer) {
      BlockDesign blocks = source.config().blocks();
      LayerNames names = new LayerNames(source.config(), layer);
      boolean sparse = blocks.layers().get(layer).sparse();
      LayerWeights.Expert[] experts =
          new LayerWeights.Expert[sparse ? blocks.experts().count() : 1];
      boolean bias = source.config().mlpBias();
      for (int expert = 0; expert < experts.length; expert++) {
        String prefix = sparse ? names.expert(expert) : names.feedForward();
        experts[expert] =
            new LayerWeights.Expert(
                linear(prefix + "gate_proj", bias),
                linear(prefix + "up_proj", bias),
                linear(prefix + "down_proj", bias));
      }
      return new LayerWeights.FeedForward(
          norm(names.feedForwardInputNorm()),
          sparse ? matrix(names.router()) : null,
          experts,
          norm(names.feedForwardOutputNorm()));
    }

    private LayerWeights.Linear linear(String name, boolean bias) {
      return new LayerWeights.Linear(
          matrix(name + ".weight"), bias ? vector(name + ".bias") : null);
    }

    /** A norm's weights; null for no name. */
    private float[] norm(String name) {
      if (name == null) {
        return null;
      }
      float[] weights = vector(name);
      float offset = source.normOffset();
      for (int i = 0; offset != 0 && i < weights.length; i++) {
        weights[i] += offset;
      }
      return weights;
    }

    /**
     * A query, key or value projection; {@code rotaryHeads} is 0 for values, whose rows are never
     * permuted.
     */
    private PackedMatrix projection(int layer, String name, int rotaryHeads) {
      String fullName = "model.layers." + layer + ".self_attn." + name + ".weight";
      Tensor tensor = required(fullName);
      IntUnaryOperator order =
          rotaryHeads > 0 && source.interleavedRotary()
              ? halfRotationOrder(source.config().headDim())
              : IntUnaryOperator.identity();
      Optional<LowRankUpdates.Update> update = updates.of(layer, name);
      if (update.isEmpty()) {
        return packed(fullName, tensor, order);
      }
      return matrices.matrix(
          new MatrixShape(fullName, DType.F32, tensor.rows(), tensor.columns()),
          arena -> merged(tensor, order, update.get(), arena));
    }

    private static PackedMatrix merged(
        Tensor tensor, IntUnaryOperator order, LowRankUpdates.Update update, Arena arena) {
      int rows = tensor.rows();
      int columns = tensor.columns();
      float[] merged = new float[Math.multiplyExact(rows, columns)];
      for (int row = 0; row < rows; row++) {
        tensor.readRow(order.applyAsInt(row), merged, row * columns);
        update.addRow(row, merged, row * columns);
      }
      return PackedMatrix.ofFloats(merged, rows, columns, arena);
    }

    /** A tensor with its rows in another order. */
    PackedMatrix packed(String name, Tensor tensor, IntUnaryOperator order) {
      return matrices.matrix(
          new MatrixShape(name, tensor.dtype(), tensor.rows(), tensor.columns()),
          arena -> PackedMatrix.pack(tensor, order, arena));
    }

    private float[] rotated(float[] bias, int heads) {
      if (!source.interleavedRotary()) {
        return bias;
      }
      IntUnaryOperator order = halfRotationOrder(source.config().headDim());
      float[] out = new float[bias.length];
      for (int row = 0; row < heads * source.config().headDim(); row++) {
        out[row] = bias[order.applyAsInt(row)];
      }
      return out;
    }

    private PackedMatrix matrix(String name) {
      return packed(name, required(name), IntUnaryOperator.identity());
    }

    private float[] vector(String name) {
      Tensor tensor = required(name);
      float[] out = new float[Math.toIntExact(tensor.elements())];
      for (int row = 0; row < tensor.rows(); row++) {
        tensor.readRow(row, out, row * tensor.columns());
      }
      return out;
    }

    private Tensor required(String name) {
      return source
          .find(name)
          .orElseThrow(() ->
              new EngineException(
                  ErrorCode.INVALID_MODEL,
                  "tensor \""
                      + name
                      + "\" is missing; the file is incomplete or not of the "
                      + source.config().architecture()
                      + " family; download or export it again"));
    }
  }

  /**
   * Where row r of the half-rotation layout lies in the interleaved one: within a head, row {@code
   * j*D/2 + i} (j = 0, 1) is stored at {@code 2i + j}.
   */
  static IntUnaryOperator halfRotationOrder(int headDim) {
    int half = headDim / 2;
    return row -> {
      int within = row % headDim;
      return row - within + 2 * (within % half) + within / half;
    };
  }
}
