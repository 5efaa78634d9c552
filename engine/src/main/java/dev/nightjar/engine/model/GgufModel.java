package dev.nightjar.engine.model;

import dev.nightjar.engine.format.Excerpt;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.GgufMetadata;
import dev.nightjar.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** A Llama in a GGUF file. */
final class GgufModel implements WeightSource {
  private static final ConfigKeys KEYS = ConfigKeys.GGUF;
  private static final String ROPE_FACTORS = "rope_freqs.weight";
  private static final String TOKENS = "tokenizer.ggml.tokens";

  /** Written by some converters for "no such token". */
  private static final long NO_TOKEN = 0xffff_ffffL;

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final String where;
  private ModelConfig config;

  private GgufModel(GgufFile file) {
    this.file = file;
    this.metadata = file.metadata();
    this.where = file.path().getFileName().toString();
  }

  /**
   * Reads the configuration and checks every tensor against it; {@code file} stays the caller's to
   * close.
   */
  static GgufModel of(GgufFile file) {
    GgufModel model = new GgufModel(file);
    model.checkSupported();
    model.config = model.readConfig();
    ConfigCheck.check(model.where, KEYS, model.config);
    new TensorCheck(model, KEYS, name -> model.where + ": tensor \"" + GgufNames.of(name) + "\"")
        .run();
    return model;
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Optional<Tensor> find(String name) {
    String ggufName = GgufNames.of(name);
    return ggufName == null ? Optional.empty() : file.find(ggufName);
  }

  /** True: llama.cpp's converter permutes the rows of query and key projections of this family. */
  @Override
  public boolean interleavedRotary() {
    return true;
  }

  private void checkSupported() {
    String architecture = metadata.stringValue("general.architecture");
    if (!architecture.equals("llama")) {
      throw ConfigCheck.invalid(
          where
              + ": architecture "
              + Excerpt.of(architecture)
              + " is not supported yet; supported: llama");
    }
    if (metadata.longValue("llama.expert_count", 0) > 0) {
      throw ConfigCheck.invalid(
          where + ": llama.expert_count is not 0: mixtures of experts are not supported yet");
    }
  }

  private ModelConfig readConfig() {
    int hiddenSize = integer(KEYS.hiddenSize(), ConfigCheck.MAX_HIDDEN);
    int numLayers = integer(KEYS.numLayers(), ConfigCheck.MAX_LAYERS);
    int numHeads = integer(KEYS.numHeads(), ConfigCheck.MAX_HEADS);
    int headDim = headDim(hiddenSize, numHeads);
    return new ModelConfig(
        "llama",
        vocabSize(),
        hiddenSize,
        numLayers,
        numHeads,
        metadata.has(KEYS.numKvHeads())
            ? integer(KEYS.numKvHeads(), ConfigCheck.MAX_HEADS)
            : numHeads,
        headDim,
        integer(KEYS.intermediateSize(), ConfigCheck.MAX_INTERMEDIATE),
        (float) number(KEYS.normEps(), metadata.floatValue(KEYS.normEps()), 0, 1),
        new RopeConfig(
            number(KEYS.ropeTheta(), metadata.floatValue(KEYS.ropeTheta(), 10_000f), 1e-3, 1e15),
            scaling(headDim)),
        !file.contains("output.weight"),
        hasBias(numLayers, "attn_q", "attn_k", "attn_v"),
        hasBias(numLayers, "attn_output"),
        hasBias(numLayers, "ffn_gate", "ffn_up", "ffn_down"),
        integer(KEYS.contextLength(), ConfigCheck.MAX_CONTEXT),
        (int) token("tokenizer.ggml.bos_token_id"),
        endOfSequence());
  }

  private int vocabSize() {
    long size =
        metadata.has(KEYS.vocabSize())
            ? metadata.longValue(KEYS.vocabSize())
            : metadata.arrayLength(TOKENS);
    return ConfigCheck.positive(where, KEYS.vocabSize(), size, ConfigCheck.MAX_VOCAB);
  }

  private int headDim(int hiddenSize, int numHeads) {
    int headDim =
        metadata.has(KEYS.headDim())
            ? integer(KEYS.headDim(), ConfigCheck.MAX_HEAD_DIM)
            : ConfigCheck.impliedHeadDim(where, KEYS, hiddenSize, numHeads);
    requireEqual("llama.attention.value_length", headDim);
    requireEqual("llama.rope.dimension_count", headDim);
    return headDim;
  }

  private void requireEqual(String key, int headDim) {
    long value = metadata.longValue(key, headDim);
    if (value != headDim) {
      throw ConfigCheck.invalid(
          "%s: %s is %d, expected the size of a head, %d; other sizes are not supported"
              .formatted(where, key, value, headDim));
    }
  }

  private RopeConfig.Scaling scaling(int headDim) {
    String type = metadata.findString("llama.rope.scaling.type").orElse("none");
    double factor = 1;
    if (type.equals("linear")) {
      factor = number(KEYS.ropeFactor(), metadata.floatValue(KEYS.ropeFactor()), 1e-3, 1e6);
    } else if (!type.equals("none")) {
      throw ConfigCheck.invalid(
          "%s: llama.rope.scaling.type %s is not supported yet; supported: none, linear"
              .formatted(where, Excerpt.of(type)));
    } else if (metadata.has("llama.rope.scale_linear")) { // the key of older files
      String key = "llama.rope.scale_linear";
      factor = number(key, metadata.floatValue(key), 1e-3, 1e6);
    }
    Optional<Tensor> factors = file.find(ROPE_FACTORS);
    if (factors.isPresent()) {
      return new RopeConfig.Factors(divisors(factors.get(), headDim, factor));
    }
    return factor == 1 ? new RopeConfig.None() : new RopeConfig.Linear(factor);
  }

  /**
   * The per-dimension divisors (Llama 3.1's rule, worked out by the converter) times the linear
   * factor.
   */
  private List<Float> divisors(Tensor tensor, int headDim, double factor) {
    if (tensor.shape().length != 1 || tensor.columns() != headDim / 2) {
      throw ConfigCheck.invalid(
          "%s: tensor \"%s\" has shape %s, expected [%d] (half the size of a head); re-export it"
              .formatted(where, ROPE_FACTORS, Arrays.toString(tensor.shape()), headDim / 2));
    }
    float[] values = new float[tensor.columns()];
    tensor.readRow(0, values, 0);
    List<Float> divisors = new ArrayList<>(values.length);
    for (float value : values) {
      divisors.add((float) (factor * number(ROPE_FACTORS, value, 1e-6, 1e6)));
    }
    return divisors;
  }

  private boolean hasBias(int numLayers, String... modules) {
    for (int layer = 0; layer < numLayers; layer++) {
      for (String module : modules) {
        if (file.contains("blk." + layer + "." + module + ".bias")) {
          return true; // TensorCheck then asks for all of them
        }
      }
    }
    return false;
  }

  private List<Integer> endOfSequence() {
    List<Integer> ids = new ArrayList<>();
    for (String name : new String[] {"eos", "eot", "eom"}) {
      long id = token("tokenizer.ggml." + name + "_token_id");
      if (id >= 0 && !ids.contains((int) id)) {
        ids.add((int) id);
      }
    }
    return ids;
  }

  /** A token id, or -1 for none. */
  private long token(String key) {
    long id = metadata.longValue(key, -1);
    if (id == NO_TOKEN || id == -1) {
      return -1;
    }
    if (id < 0 || id >= ConfigCheck.MAX_VOCAB) {
      throw ConfigCheck.invalid(
          where + ": " + key + " is " + id + ", expected a token id; re-export the model");
    }
    return id;
  }

  private int integer(String key, int max) {
    return ConfigCheck.positive(where, key, metadata.longValue(key), max);
  }

  private double number(String key, double value, double min, double max) {
    return ConfigCheck.inRange(where, key, value, min, max);
  }
}
