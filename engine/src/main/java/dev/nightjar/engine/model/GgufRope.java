package dev.nightjar.engine.model;

import dev.nightjar.engine.format.Excerpt;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.GgufMetadata;
import dev.nightjar.engine.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads how a GGUF file says that queries and keys are rotated. */
final class GgufRope {
  private static final String DIVISORS = "rope_freqs.weight";
  private static final String SHORT_DIVISORS = "rope_factors_short.weight";
  private static final String LONG_DIVISORS = "rope_factors_long.weight";

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final ModelFamily family;
  private final ConfigKeys keys;
  private final int headDim;
  private final int contextLength;
  private final String where;
  private final String prefix;

  GgufRope(GgufFile file, ModelFamily family, ConfigKeys keys, int headDim, int contextLength) {
    this.file = file;
    this.metadata = file.metadata();
    this.family = family;
    this.keys = keys;
    this.headDim = headDim;
    this.contextLength = contextLength;
    this.where = file.path().getFileName().toString();
    this.prefix = family.ggufArchitecture() + ".rope.";
  }

  /** Of most layers, or of those without a window. */
  RopeConfig main() {
    if (metadata.has(prefix + "dimension_sections")) {
      throw ConfigCheck.invalid(
          where + ": " + prefix + "dimension_sections is present, which is not supported");
    }
    int dims = dims();
    double theta = metadata.floatValue(keys.ropeTheta(), 10_000f);
    return new RopeConfig(
        ConfigCheck.inRange(where, keys.ropeTheta(), theta, 1e-3, 1e15),
        scaling(dims),
        dims == headDim ? 0 : dims);
  }

  /** Of Gemma 3's layers with a window; of all other models' the same as of the others. */
  RopeConfig local() {
    String key = prefix + "freq_base_swa";
    if (family != ModelFamily.GEMMA3) {
      if (metadata.has(key)) {
        throw ConfigCheck.invalid(where + ": " + key + " is present, which is not supported");
      }
      return main();
    }
    double theta = metadata.floatValue(key, 10_000f);
    return new RopeConfig(
        ConfigCheck.inRange(where, key, theta, 1e-3, 1e15), new RopeConfig.None());
  }

  private int dims() {
    String key = prefix + "dimension_count";
    long dims = metadata.longValue(key, headDim);
    boolean partly = family == ModelFamily.PHI3 && dims > 0 && dims < headDim && dims % 2 == 0;
    if (dims != headDim && !partly) {
      throw ConfigCheck.invalid(
          "%s: %s is %d, expected the size of a head, %d; other sizes are not supported"
              .formatted(where, key, dims, headDim));
    }
    return (int) dims;
  }

  private RopeConfig.Scaling scaling(int dims) {
    // llama.cpp takes a factor without a type for a linear one
    boolean hasFactor = metadata.has(keys.ropeFactor());
    String typeKey = prefix + "scaling.type";
    String type = metadata.findString(typeKey).orElse(hasFactor ? "linear" : "none");
    double factor = 1;
    if (type.equals("linear")) {
      factor = positive(keys.ropeFactor(), metadata.floatValue(keys.ropeFactor()));
    } else if (!type.equals("none") && !type.equals("longrope")) {
      throw ConfigCheck.invalid(
          "%s: %s %s is not supported yet; supported: none, linear, longrope"
              .formatted(where, typeKey, Excerpt.of(type)));
    } else if (metadata.has(prefix + "scale_linear")) { // the key of older files
      factor = positive(prefix + "scale_linear", metadata.floatValue(prefix + "scale_linear"));
    }
    if (file.contains(LONG_DIVISORS)) {
      return longRope(dims);
    }
    double magnitude = metadata.floatValue(prefix + "scaling.attn_factor", 1);
    if (type.equals("longrope") || magnitude != 1) {
      throw ConfigCheck.invalid(
          "%s: %s asks for tensor \"%s\", which is missing; convert the model again"
              .formatted(where, prefix + "scaling", LONG_DIVISORS));
    }
    Optional<Tensor> divisors = file.find(DIVISORS);
    if (divisors.isPresent()) {
      return new RopeConfig.Factors(divisors(divisors.get(), dims, factor));
    }
    return factor == 1 ? new RopeConfig.None() : new RopeConfig.Linear(factor);
  }

  private RopeConfig.Scaling longRope(int dims) {
    String key = prefix + "scaling.original_context_length";
    int original =
        ConfigCheck.positive(
            where, key, metadata.longValue(key, contextLength), ConfigCheck.MAX_CONTEXT);
    String magnitudeKey = prefix + "scaling.attn_factor";
    double magnitude =
        metadata.has(magnitudeKey)
            ? positive(magnitudeKey, metadata.floatValue(magnitudeKey))
            : HuggingFaceRope.magnitude((double) contextLength / original, original);
    return new RopeConfig.LongRope(
        divisors(required(SHORT_DIVISORS), dims, 1),
        divisors(required(LONG_DIVISORS), dims, 1),
        original,
        magnitude);
  }

  private Tensor required(String name) {
    return file.find(name)
        .orElseThrow(() ->
            ConfigCheck.invalid(
                where + ": tensor \"" + name + "\" is missing; convert the model again"));
  }

  private double positive(String key, double value) {
    return ConfigCheck.inRange(where, key, value, 1e-3, 1e6);
  }

  /**
   * The per-dimension divisors (Llama 3.1's rule, worked out by the converter, or LongRoPE's) times
   * the linear factor.
   */
  private List<Float> divisors(Tensor tensor, int dims, double factor) {
    if (tensor.shape().length != 1 || tensor.columns() != dims / 2) {
      throw ConfigCheck.invalid(
          "%s: tensor \"%s\" has shape %s, expected [%d] (half the rotated size of a head);"
                  .formatted(where, tensor.name(), Arrays.toString(tensor.shape()), dims / 2)
              + " re-export it");
    }
    float[] values = new float[tensor.columns()];
    tensor.readRow(0, values, 0);
    List<Float> divisors = new ArrayList<>(values.length);
    for (float value : values) {
      ConfigCheck.inRange(where, tensor.name(), value, 1e-6, 1e6);
      divisors.add((float) (factor * value));
    }
    return divisors;
  }
}
