package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.Confidence;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.EarlyExit;
import dev.nightjar.engine.depth.LowRankUpdates;
import dev.nightjar.engine.depth.TokenRouter;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;

/** Small models with seeded random weights, made in memory. */
public final class TinyModels {
  public static final int VOCABULARY = 260;

  private TinyModels() {}

  /**
   * A byte-level model: ids 0-255 are bytes, 256 ends a text; six layers, two query heads per
   * key/value head.
   */
  public static ModelConfig config(int contextLength) {
    return config(contextLength, List.of(256));
  }

  /** The same with other ends of a text. */
  public static ModelConfig config(int contextLength, List<Integer> eosTokenIds) {
    return new ModelConfig(
        "llama",
        VOCABULARY,
        48,
        6,
        4,
        2,
        16,
        80,
        1e-5f,
        new RopeConfig(10_000, new RopeConfig.None()),
        true,
        false,
        false,
        false,
        contextLength,
        -1,
        eosTokenIds,
        BlockDesign.llama(6, 16, new RopeConfig(10_000, new RopeConfig.None())));
  }

  public static WeightSource source(ModelConfig config, long seed) {
    Random random = new Random(seed);
    Map<String, Tensor> tensors = new HashMap<>();
    int c = config.hiddenSize();
    put(tensors, "model.embed_tokens.weight", random, 1.0, 0, config.vocabSize(), c);
    put(tensors, "model.norm.weight", random, 0.1, 1, c);
    for (int layer = 0; layer < config.numLayers(); layer++) {
      String prefix = "model.layers." + layer + ".";
      put(tensors, prefix + "input_layernorm.weight", random, 0.1, 1, c);
      put(tensors, prefix + "post_attention_layernorm.weight", random, 0.1, 1, c);
      put(tensors, prefix + "self_attn.q_proj.weight", random, 0.2, 0, config.queryDim(), c);
      put(tensors, prefix + "self_attn.k_proj.weight", random, 0.2, 0, config.kvDim(), c);
      put(tensors, prefix + "self_attn.v_proj.weight", random, 0.2, 0, config.kvDim(), c);
      put(tensors, prefix + "self_attn.o_proj.weight", random, 0.2, 0, c, config.queryDim());
      put(tensors, prefix + "mlp.gate_proj.weight", random, 0.2, 0, config.intermediateSize(), c);
      put(tensors, prefix + "mlp.up_proj.weight", random, 0.2, 0, config.intermediateSize(), c);
      put(tensors, prefix + "mlp.down_proj.weight", random, 0.2, 0, c, config.intermediateSize());
    }
    return new WeightSource() {
      @Override
      public ModelConfig config() {
        return config;
      }

      @Override
      public Optional<Tensor> find(String name) {
        return Optional.ofNullable(tensors.get(name));
      }

      @Override
      public boolean interleavedRotary() {
        return false;
      }
    };
  }

  private static void put(
      Map<String, Tensor> tensors,
      String name,
      Random random,
      double scale,
      double mean,
      int... shape) {
    int count = 1;
    long[] dimensions = new long[shape.length];
    for (int i = 0; i < shape.length; i++) {
      count *= shape[i];
      dimensions[i] = shape[i];
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (mean + scale * random.nextGaussian());
    }
    MemorySegment data = Arena.ofAuto().allocate(4L * count, 64);
    MemorySegment.copy(MemorySegment.ofArray(values), 0, data, 0, 4L * count);
    tensors.put(name, new Tensor(name, DType.F32, dimensions, data));
  }

  public static LlamaModel model(ModelConfig config, Kernels kernels, DepthPolicy policy) {
    ModelWeights weights =
        ModelWeights.load(
            source(config, 7), LowRankUpdates.none(config.numLayers()), Arena.ofAuto());
    return new LlamaModel(weights, kernels, policy);
  }

  /** Exits by the largest probability. */
  public static DepthPolicy exit(
      ModelConfig config, float threshold, boolean deferred, int... layers) {
    BitSet exits = new BitSet();
    for (int layer : layers) {
      exits.set(layer);
    }
    float[] thresholds = new float[config.numLayers() + 1];
    Arrays.fill(thresholds, threshold);
    return DepthPolicy.named("exit")
        .with(
            new EarlyExit(
                exits,
                new Confidence.Top1(),
                thresholds,
                null,
                EarlyExit.ExitHead.PLAIN,
                new EarlyExit.KeysValues(deferred, 5),
                false));
  }

  /**
   * Random decision modules above the first two layers; about half of the decisions are "execute"
   * at threshold 0.
   */
  public static TokenRouter router(ModelConfig config, Kernels kernels, float threshold) {
    Random random = new Random(11);
    int h = 12;
    int d = config.hiddenSize();
    TokenRouter.Module[] modules = new TokenRouter.Module[config.numLayers()];
    for (int layer = 2; layer < modules.length; layer++) {
      modules[layer] =
          new TokenRouter.Module(
              PackedMatrix.ofFloats(gaussians(random, h * d), h, d, Arena.ofAuto()),
              gaussians(random, h),
              gaussians(random, h),
              PackedMatrix.ofFloats(gaussians(random, 2 * h), 2, h, Arena.ofAuto()),
              new float[2]);
    }
    return new TokenRouter(kernels, modules, d, 2, threshold, 1e-5f);
  }

  private static float[] gaussians(Random random, int count) {
    float[] out = new float[count];
    for (int i = 0; i < count; i++) {
      out[i] = (float) random.nextGaussian();
    }
    return out;
  }
}
