package dev.nightjar.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.format.Excerpt;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Reads {@code config.json} of the families that are supported, with the defaults of the {@code
 * transformers} library for what is left out. Keys that a family's class in that library does not
 * read are ignored, as there.
 */
final class HuggingFaceConfig {
  private static final String FILE = JsonConfig.FILE;
  private static final String GENERATION_FILE = "generation_config.json";
  private static final ConfigKeys KEYS = ConfigKeys.HUGGING_FACE;
  private static final int REQUIRED = JsonConfig.REQUIRED;

  /** Gemma 3 with a vision part, which is left alone. */
  private static final String GEMMA3_WITH_VISION = "Gemma3ForConditionalGeneration";

  private static final String TEXT = "text_config";

  private final JsonConfig whole;
  private final JsonConfig config;
  private final ModelFamily family;

  private HuggingFaceConfig(JsonConfig whole, ModelFamily family) {
    this.whole = whole;
    this.config = family == ModelFamily.GEMMA3 && whole.has(TEXT) ? whole.child(TEXT) : whole;
    this.family = family;
  }

  static ModelConfig parse(JsonNode config, Optional<JsonNode> generationConfig) {
    JsonConfig json = new JsonConfig(FILE, config);
    HuggingFaceConfig reader = new HuggingFaceConfig(json, family(json));
    reader.checkSupported();
    return reader.read(generationConfig.map(node -> new JsonConfig(GENERATION_FILE, node)));
  }

  /** The family that a configuration names. */
  static ModelFamily family(JsonConfig config) {
    JsonNode architectures = config.node().path("architectures");
    String modelType = config.text("model_type", "");
    for (JsonNode architecture : architectures) {
      if (architecture.asText().equals(GEMMA3_WITH_VISION)) {
        return ModelFamily.GEMMA3;
      }
      Optional<ModelFamily> family = ModelFamily.ofHuggingFace(architecture.asText());
      if (family.isPresent()) {
        return family.get();
      }
    }
    if (architectures.isEmpty()) {
      for (ModelFamily family : ModelFamily.values()) {
        if (family.modelType().equals(modelType)) {
          return family;
        }
      }
    }
    String advice =
        config.has(TEXT)
            ? "; of a model with a vision part, take a GGUF file of its text part"
            : "";
    throw ConfigCheck.invalid(
        "%s: architecture %s (model_type %s) is not supported; supported: %s%s"
            .formatted(
                FILE,
                JsonConfig.brief(architectures),
                Excerpt.of(modelType),
                String.join(", ", ModelFamily.huggingFaceClasses()),
                advice));
  }

  private void checkSupported() {
    if (whole.has("quantization_config")) {
      throw ConfigCheck.invalid(
          FILE
              + ": quantization_config is present, expected plain F32, F16 or BF16 weights;"
              + " use the original checkpoint, or a GGUF file in Q8_0 or Q4_0");
    }
    if (family.isGemma() && config.flag("use_bidirectional_attention", false)) {
      throw ConfigCheck.invalid(
          FILE
              + ": use_bidirectional_attention is true, expected a model that generates text;"
              + " use another model");
    }
  }

  private BlockDesign.Activation activation() {
    String key = family.isGemma() ? "hidden_activation" : "hidden_act";
    String fallback = family.isGemma() ? "gelu_pytorch_tanh" : "silu";
    return switch (config.text(key, fallback)) {
      case "silu" -> BlockDesign.Activation.SILU;
      case "gelu_pytorch_tanh" -> BlockDesign.Activation.GELU_TANH;
      default ->
          throw ConfigCheck.invalid(
              "%s: %s is %s, expected \"silu\" or \"gelu_pytorch_tanh\"; use another model"
                  .formatted(FILE, key, JsonConfig.brief(config.node().path(key))));
    };
  }

  private ModelConfig read(Optional<JsonConfig> generationConfig) {
    int hiddenSize = config.integer(KEYS.hiddenSize(), ConfigCheck.MAX_HIDDEN, REQUIRED);
    int numLayers = config.integer(KEYS.numLayers(), ConfigCheck.MAX_LAYERS, REQUIRED);
    boolean gemma3 = family == ModelFamily.GEMMA3;
    int numHeads = config.integer(KEYS.numHeads(), ConfigCheck.MAX_HEADS, gemma3 ? 8 : REQUIRED);
    int headDim = headDim(hiddenSize, numHeads);
    int contextLength =
        config.integer(KEYS.contextLength(), ConfigCheck.MAX_CONTEXT, contextDefault());
    HuggingFaceRope rope = new HuggingFaceRope(config, family, headDim, contextLength);
    HuggingFaceLayers layers = new HuggingFaceLayers(config, family, numLayers);
    boolean attentionBias = config.flag("attention_bias", false);
    boolean readsBias =
        family != ModelFamily.MISTRAL
            && family != ModelFamily.MIXTRAL
            && family != ModelFamily.PHI3;
    boolean qwen2 = family == ModelFamily.QWEN2;
    boolean readsMlpBias =
        family == ModelFamily.LLAMA
            || family == ModelFamily.SMOLLM3
            || family == ModelFamily.GRANITE;
    RopeConfig main = rope.main();
    ModelConfig read =
        new ModelConfig(
            family.id(),
            config.integer(KEYS.vocabSize(), ConfigCheck.MAX_VOCAB, gemma3 ? 262_208 : REQUIRED),
            hiddenSize,
            numLayers,
            numHeads,
            config.integer(KEYS.numKvHeads(), ConfigCheck.MAX_HEADS, kvHeadsDefault(numHeads)),
            headDim,
            config.integer(KEYS.intermediateSize(), ConfigCheck.MAX_INTERMEDIATE, REQUIRED),
            (float) config.number(KEYS.normEps(), epsDefault(), 0, 1),
            main,
            config.flag("tie_word_embeddings", family.tiesEmbeddings()),
            qwen2 || (readsBias && attentionBias),
            !qwen2 && readsBias && attentionBias,
            readsMlpBias && config.flag("mlp_bias", false),
            contextLength,
            beginOfSequence(generationConfig),
            endOfSequence(generationConfig),
            new BlockDesign(
                family.norms(),
                family.queryKeyNorms(),
                activation(),
                scales(hiddenSize, headDim),
                cap("attn_logit_softcapping", 50),
                cap("final_logit_softcapping", 30),
                layers.experts(),
                layers.read(main, rope.local())));
    ConfigCheck.check(FILE, KEYS, read);
    return read;
  }

  private int headDim(int hiddenSize, int numHeads) {
    if (config.has(KEYS.headDim())) {
      return config.integer(KEYS.headDim(), ConfigCheck.MAX_HEAD_DIM, REQUIRED);
    }
    return switch (family) {
      case QWEN3 -> 128;
      case GEMMA2, GEMMA3 -> 256;
      default -> ConfigCheck.impliedHeadDim(FILE, KEYS, hiddenSize, numHeads);
    };
  }

  private int contextDefault() {
    return switch (family) {
      case LLAMA, OLMO2, GRANITE -> 2048;
      case PHI3 -> 4096;
      case GEMMA2 -> 8192;
      case QWEN2, QWEN3, SMOLLM3, QWEN3_MOE -> 32_768;
      case MISTRAL, GEMMA3, MIXTRAL -> 131_072;
    };
  }

  private int kvHeadsDefault(int numHeads) {
    return switch (family) {
      case LLAMA, PHI3, OLMO2, GRANITE -> numHeads;
      case SMOLLM3, GEMMA2, GEMMA3, QWEN3_MOE -> 4;
      case MISTRAL, MIXTRAL -> 8;
      case QWEN2, QWEN3 -> 32;
    };
  }

  private double epsDefault() {
    return switch (family) {
      case PHI3, OLMO2, MIXTRAL -> 1e-5;
      default -> 1e-6;
    };
  }

  private BlockDesign.Scales scales(int hiddenSize, int headDim) {
    if (family == ModelFamily.GRANITE) {
      return new BlockDesign.Scales(
          (float) config.number("embedding_multiplier", 1, 1e-6, 1e6),
          (float) config.number("residual_multiplier", 1, 1e-6, 1e6),
          (float) config.number("attention_multiplier", 1, 1e-6, 1e6),
          (float) (1 / config.number("logits_scaling", 1, 1e-6, 1e6)));
    }
    double attention =
        family.isGemma() ? config.number("query_pre_attn_scalar", 256, 1e-6, 1e6) : headDim;
    float embedding = family.isGemma() ? (float) Math.sqrt(hiddenSize) : 1;
    return new BlockDesign.Scales(embedding, 1, BlockDesign.attentionScale(attention), 1);
  }

  /** A soft cap of Gemma's; 0 for none. */
  private float cap(String key, double gemma2) {
    if (!family.isGemma() || config.node().path(key).isNull()) {
      return 0;
    }
    double fallback = family == ModelFamily.GEMMA2 ? gemma2 : 0;
    return (float) config.number(key, fallback, 0, 1e6);
  }

  private int beginOfSequence(Optional<JsonConfig> generationConfig) {
    String key = "bos_token_id";
    JsonConfig holder = whole.has(key) ? whole : generationConfig.orElse(whole);
    return holder.has(key) ? holder.tokenId(key, holder.node().path(key)) : -1;
  }

  /**
   * The list of the generation configuration wins: that is where chat models name their end-of-turn
   * tokens.
   */
  private List<Integer> endOfSequence(Optional<JsonConfig> generationConfig) {
    String key = "eos_token_id";
    JsonConfig holder = generationConfig.filter(other -> other.has(key)).orElse(whole);
    if (!holder.has(key)) {
      return List.of();
    }
    JsonNode ids = holder.node().path(key);
    if (!ids.isArray()) {
      return List.of(holder.tokenId(key, ids));
    }
    List<Integer> all = new ArrayList<>(ids.size());
    for (JsonNode id : ids) {
      all.add(holder.tokenId(key, id));
    }
    return all;
  }
}
