package dev.nightjar.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.format.Excerpt;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads {@code config.json} of a Llama, with the defaults of the {@code transformers} library for
 * what is left out.
 */
final class HuggingFaceConfig {
  private static final String FILE = "config.json";
  private static final String GENERATION_FILE = "generation_config.json";
  private static final String ARCHITECTURE = "LlamaForCausalLM";
  private static final ConfigKeys KEYS = ConfigKeys.HUGGING_FACE;
  private static final int REQUIRED = Integer.MIN_VALUE;

  private final JsonNode config;

  private HuggingFaceConfig(JsonNode config) {
    this.config = config;
  }

  static ModelConfig parse(JsonNode config, Optional<JsonNode> generationConfig) {
    HuggingFaceConfig reader = new HuggingFaceConfig(config);
    reader.checkSupported();
    return reader.read(generationConfig);
  }

  private void checkSupported() {
    JsonNode architectures = config.path("architectures");
    String modelType = config.path("model_type").asText("");
    boolean supported = false;
    if (architectures.isArray() && !architectures.isEmpty()) {
      for (JsonNode architecture : architectures) {
        supported |= ARCHITECTURE.equals(architecture.asText());
      }
    } else {
      supported = modelType.equals("llama");
    }
    if (!supported) {
      throw ConfigCheck.invalid(
          "%s: architecture %s (model_type %s) is not supported yet; supported: %s"
              .formatted(FILE, brief(architectures), Excerpt.of(modelType), ARCHITECTURE));
    }
    if (!isAbsent(config.path("quantization_config"))) {
      throw ConfigCheck.invalid(
          FILE
              + ": quantization_config is present, expected plain F32, F16 or BF16 weights;"
              + " use the original checkpoint, or a GGUF file in Q8_0 or Q4_0");
    }
    JsonNode activation = config.path("hidden_act");
    if (!isAbsent(activation) && !"silu".equals(activation.asText())) {
      throw ConfigCheck.invalid(
          FILE + ": hidden_act is " + brief(activation) + ", expected \"silu\"; use another model");
    }
  }

  private ModelConfig read(Optional<JsonNode> generationConfig) {
    int hiddenSize = integer(KEYS.hiddenSize(), ConfigCheck.MAX_HIDDEN, REQUIRED);
    int numHeads = integer(KEYS.numHeads(), ConfigCheck.MAX_HEADS, REQUIRED);
    int headDim =
        isAbsent(config.path(KEYS.headDim()))
            ? ConfigCheck.impliedHeadDim(FILE, KEYS, hiddenSize, numHeads)
            : integer(KEYS.headDim(), ConfigCheck.MAX_HEAD_DIM, REQUIRED);
    boolean attentionBias = flag("attention_bias");
    double eps = number(config, KEYS.normEps(), 1e-6, 0, 1);
    ModelConfig read =
        new ModelConfig(
            "llama",
            integer(KEYS.vocabSize(), ConfigCheck.MAX_VOCAB, REQUIRED),
            hiddenSize,
            integer(KEYS.numLayers(), ConfigCheck.MAX_LAYERS, REQUIRED),
            numHeads,
            integer(KEYS.numKvHeads(), ConfigCheck.MAX_HEADS, numHeads),
            headDim,
            integer(KEYS.intermediateSize(), ConfigCheck.MAX_INTERMEDIATE, REQUIRED),
            (float) eps,
            rope(),
            flag("tie_word_embeddings"),
            attentionBias,
            attentionBias,
            flag("mlp_bias"),
            integer(KEYS.contextLength(), ConfigCheck.MAX_CONTEXT, 2048),
            beginOfSequence(generationConfig),
            endOfSequence(generationConfig));
    ConfigCheck.check(FILE, KEYS, read);
    return read;
  }

  private RopeConfig rope() {
    // transformers 5 moved rope_theta and rope_scaling into rope_parameters.
    JsonNode parameters = config.path("rope_parameters");
    JsonNode scaling = isAbsent(parameters) ? config.path("rope_scaling") : parameters;
    JsonNode thetaHolder = scaling.has(KEYS.ropeTheta()) ? scaling : config;
    double theta = number(thetaHolder, KEYS.ropeTheta(), 10_000, 1e-3, 1e15);
    JsonNode partial =
        scaling.has("partial_rotary_factor") ? scaling : config; // rotates part of a head only
    if (number(partial, "partial_rotary_factor", 1, 0, 1) != 1) {
      throw ConfigCheck.invalid(
          FILE + ": partial_rotary_factor is not 1, which is not supported; use another model");
    }
    return new RopeConfig(theta, scaling(scaling));
  }

  private RopeConfig.Scaling scaling(JsonNode scaling) {
    if (isAbsent(scaling)) {
      return new RopeConfig.None();
    }
    String type = scaling.path("rope_type").asText(scaling.path("type").asText("default"));
    switch (type) {
      case "default" -> {
        return new RopeConfig.None();
      }
      case "linear" -> {
        return new RopeConfig.Linear(required(scaling, KEYS.ropeFactor()));
      }
      case "llama3" -> {
        double low = required(scaling, "low_freq_factor");
        double high = required(scaling, "high_freq_factor");
        if (low >= high) {
          throw ConfigCheck.invalid(
              "%s: low_freq_factor=%s is not below high_freq_factor=%s; re-export the checkpoint"
                  .formatted(FILE, low, high));
        }
        JsonNode original = scaling.path("original_max_position_embeddings");
        int originalContext =
            ConfigCheck.positive(
                FILE,
                "original_max_position_embeddings",
                integral(original, "original_max_position_embeddings"),
                ConfigCheck.MAX_CONTEXT);
        double factor = required(scaling, KEYS.ropeFactor());
        return new RopeConfig.Llama3(factor, low, high, originalContext);
      }
      default ->
          throw ConfigCheck.invalid(
              "%s: rope_scaling of type %s is not supported yet; supported: default, linear, llama3"
                  .formatted(FILE, Excerpt.of(type)));
    }
  }

  private int beginOfSequence(Optional<JsonNode> generationConfig) {
    JsonNode own = config.path("bos_token_id");
    if (!isAbsent(own)) {
      return tokenId(FILE, "bos_token_id", own);
    }
    JsonNode other = generationConfig.map(node -> node.path("bos_token_id")).orElse(own);
    return isAbsent(other) ? -1 : tokenId(GENERATION_FILE, "bos_token_id", other);
  }

  /**
   * The list of the generation configuration wins: that is where chat models name their end-of-turn
   * tokens.
   */
  private List<Integer> endOfSequence(Optional<JsonNode> generationConfig) {
    String key = "eos_token_id";
    JsonNode own = config.path(key);
    JsonNode other = generationConfig.map(node -> node.path(key)).orElse(own);
    String file = isAbsent(other) ? FILE : GENERATION_FILE;
    JsonNode ids = isAbsent(other) ? own : other;
    if (isAbsent(ids)) {
      return List.of();
    }
    if (!ids.isArray()) {
      return List.of(tokenId(file, key, ids));
    }
    List<Integer> all = new ArrayList<>(ids.size());
    for (JsonNode id : ids) {
      all.add(tokenId(file, key, id));
    }
    return all;
  }

  private static int tokenId(String file, String key, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToInt()) {
      throw wrong(file, key, node, "a token id");
    }
    return node.intValue();
  }

  private int integer(String key, int max, int fallback) {
    JsonNode node = config.path(key);
    if (isAbsent(node) && fallback != REQUIRED) {
      return fallback;
    }
    return ConfigCheck.positive(FILE, key, integral(node, key), max);
  }

  private static long integral(JsonNode node, String key) {
    if (!node.isIntegralNumber() || !node.canConvertToLong()) {
      throw wrong(FILE, key, node, "an integer");
    }
    return node.longValue();
  }

  private static double required(JsonNode holder, String key) {
    if (isAbsent(holder.path(key))) {
      throw wrong(FILE, key, holder.path(key), "a number");
    }
    return number(holder, key, 1, 1e-3, 1e6);
  }

  private static double number(
      JsonNode holder, String key, double fallback, double min, double max) {
    JsonNode node = holder.path(key);
    if (isAbsent(node)) {
      return fallback;
    }
    if (!node.isNumber()) {
      throw wrong(FILE, key, node, "a number");
    }
    return ConfigCheck.inRange(FILE, key, node.doubleValue(), min, max);
  }

  private boolean flag(String key) {
    JsonNode node = config.path(key);
    if (!isAbsent(node) && !node.isBoolean()) {
      throw wrong(FILE, key, node, "true or false");
    }
    return node.booleanValue();
  }

  private static boolean isAbsent(JsonNode node) {
    return node.isMissingNode() || node.isNull();
  }

  private static EngineException wrong(String file, String key, JsonNode found, String expected) {
    return ConfigCheck.invalid(
        "%s: %s is %s, expected %s; re-export the checkpoint"
            .formatted(file, key, brief(found), expected));
  }

  /** The node as JSON, shortened for messages. */
  private static String brief(JsonNode node) {
    if (node.isMissingNode()) {
      return "missing";
    }
    if (node.isContainerNode() && node.size() > 8) {
      return "a JSON " + node.getNodeType() + " of " + node.size() + " elements";
    }
    return Excerpt.of(node.toString());
  }
}
