package dev.nightjar.engine.model;

import dev.nightjar.engine.format.Excerpt;

/** Reads how {@code config.json} says that queries and keys are rotated. */
final class HuggingFaceRope {
  private static final String FILE = JsonConfig.FILE;
  private static final ConfigKeys KEYS = ConfigKeys.HUGGING_FACE;
  private static final String ORIGINAL = "original_max_position_embeddings";
  private static final String PARTIAL = "partial_rotary_factor";

  private final JsonConfig config;
  private final ModelFamily family;
  private final int headDim;
  private final int contextLength;

  /** Of Gemma 3's newer files: what its layers with a window have. */
  private final JsonConfig localParameters;

  /** What all other layers have. */
  private final JsonConfig parameters;

  HuggingFaceRope(JsonConfig config, ModelFamily family, int headDim, int contextLength) {
    this.config = config;
    this.family = family;
    this.headDim = headDim;
    this.contextLength = contextLength;
    // transformers 5 moved rope_theta and rope_scaling into rope_parameters.
    JsonConfig moved = config.child("rope_parameters");
    this.localParameters = moved.child("sliding_attention");
    this.parameters =
        moved.isAbsent()
            ? config.child("rope_scaling")
            : moved.has("full_attention") ? moved.child("full_attention") : moved;
  }

  /** Of most layers, or of those without a window. */
  RopeConfig main() {
    double theta = theta(parameters, KEYS.ropeTheta(), thetaDefault());
    JsonConfig holder = parameters.has(PARTIAL) ? parameters : config;
    double share = holder.number(PARTIAL, 1, 0, 1);
    if (share != 1 && family != ModelFamily.PHI3) {
      throw ConfigCheck.invalid(
          FILE
              + ": partial_rotary_factor is not 1, which is not supported for "
              + family.huggingFaceClass()
              + "; use another model");
    }
    int dims = (int) (headDim * share);
    if (share != 1 && (dims < 2 || dims % 2 != 0)) {
      throw ConfigCheck.invalid(
          "%s: partial_rotary_factor=%s of a head of %d is %d dimensions, expected an even number"
                  .formatted(FILE, share, headDim, dims)
              + "; re-export the checkpoint");
    }
    return new RopeConfig(theta, scaling(dims), dims == headDim ? 0 : dims);
  }

  /** Of Gemma 3's layers with a window; of all other models' the same as of the others. */
  RopeConfig local() {
    if (family != ModelFamily.GEMMA3) {
      return main();
    }
    JsonConfig holder = localParameters.isAbsent() ? config : localParameters;
    String key = localParameters.isAbsent() ? "rope_local_base_freq" : KEYS.ropeTheta();
    return new RopeConfig(theta(holder, key, 10_000), new RopeConfig.None());
  }

  private double theta(JsonConfig parameters, String key, double fallback) {
    JsonConfig holder = parameters.has(key) ? parameters : config;
    return holder.number(key, fallback, 1e-3, 1e15);
  }

  private double thetaDefault() {
    return switch (family) {
      case SMOLLM3 -> 2_000_000;
      case GEMMA3, MIXTRAL -> 1_000_000;
      default -> 10_000;
    };
  }

  private RopeConfig.Scaling scaling(int dims) {
    if (parameters.isAbsent()) {
      return new RopeConfig.None();
    }
    String type = parameters.text("rope_type", parameters.text("type", "default"));
    switch (type) {
      case "default" -> {
        return new RopeConfig.None();
      }
      case "linear" -> {
        return new RopeConfig.Linear(parameters.required(KEYS.ropeFactor()));
      }
      case "llama3" -> {
        return llama3();
      }
      case "longrope", "su" -> {
        return longRope(dims);
      }
      default ->
          throw ConfigCheck.invalid(
              "%s: rope_scaling of type %s is not supported yet; supported: default, linear,"
                      .formatted(FILE, Excerpt.of(type))
                  + " llama3, longrope; without rope_scaling the model runs in its original"
                  + " context");
    }
  }

  private RopeConfig.Scaling llama3() {
    double low = parameters.required("low_freq_factor");
    double high = parameters.required("high_freq_factor");
    if (low >= high) {
      throw ConfigCheck.invalid(
          "%s: low_freq_factor=%s is not below high_freq_factor=%s; re-export the checkpoint"
              .formatted(FILE, low, high));
    }
    int originalContext =
        parameters.integer(ORIGINAL, ConfigCheck.MAX_CONTEXT, JsonConfig.REQUIRED);
    double factor = parameters.required(KEYS.ropeFactor());
    return new RopeConfig.Llama3(factor, low, high, originalContext);
  }

  private RopeConfig.Scaling longRope(int dims) {
    JsonConfig holder = parameters.has(ORIGINAL) ? parameters : config;
    int original = holder.integer(ORIGINAL, ConfigCheck.MAX_CONTEXT, contextLength);
    for (String key : new String[] {"short_mscale", "long_mscale"}) {
      if (parameters.has(key)) {
        throw ConfigCheck.invalid(
            FILE + ": rope_scaling has " + key + ", which is not supported; use Phi-3.5-mini");
      }
    }
    double factor =
        holder.has(ORIGINAL)
            ? (double) contextLength / original
            : parameters.number(KEYS.ropeFactor(), 1, 1e-3, 1e6);
    double magnitude = parameters.number("attention_factor", magnitude(factor, original), 0, 100);
    return new RopeConfig.LongRope(
        parameters.numbers("short_factor", dims / 2),
        parameters.numbers("long_factor", dims / 2),
        original,
        magnitude);
  }

  /** LongRoPE's correction of attention for a context that is {@code factor} times as long. */
  static double magnitude(double factor, int originalContext) {
    return factor <= 1
        ? 1
        : Math.sqrt(1 + StrictMath.log(factor) / StrictMath.log(originalContext));
  }
}
