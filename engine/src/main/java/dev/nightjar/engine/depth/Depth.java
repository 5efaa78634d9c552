package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.PackedMatrix;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Locale;
import java.util.function.Supplier;

/** A policy ready to run on one model, with the weight updates that were trained with it. */
public record Depth(DepthPolicy policy, LowRankUpdates updates) {

  /**
   * What a policy must know of its model.
   *
   * @param headSizes widths of the query and of the key/value projections, in this order
   * @param artefacts folder that may hold artefacts by policy name
   * @param weightsSha256 SHA-256 of the weights file, computed when an artefact asks
   */
  public record ModelFacts(
      int layers,
      int hiddenSize,
      int[] headSizes,
      Path artefacts,
      Supplier<String> weightsSha256) {}

  /** Makes the policy of a specification; {@code arena} holds the routers' weights. */
  public static Depth of(DepthSpec spec, ModelFacts model, Kernels kernels, Arena arena) {
    String artefact = spec.text("artefact", null);
    boolean named = artefact != null || spec.name().equals("dllm");
    if (named) {
      Path folder = artefact != null ? Path.of(artefact) : model.artefacts().resolve(spec.name());
      try (DepthArtefact open =
          DepthArtefact.open(
              folder,
              spec.name(),
              model.layers(),
              model.hiddenSize(),
              model.weightsSha256().get())) {
        return fromArtefact(spec, model, open, kernels, arena);
      }
    }
    return new Depth(fromOptions(spec, model.layers()), LowRankUpdates.none(model.layers()));
  }

  private static DepthPolicy fromOptions(DepthSpec spec, int layers) {
    return switch (spec.name()) {
      case "full" -> new FullDepth();
      case "unified" ->
          new LayerSubset(
              spec.toString(),
              LayerSubset.unified(layers, spec.number("keep", 0.5, 0, 1)),
              promptFull(spec));
      case "static" ->
          new LayerSubset(spec.toString(), layerSet(spec, "keep", layers - 1), promptFull(spec));
      case "random" ->
          new RandomSkip(
              spec.toString(),
              RandomSkip.uniformRates(layers, spec.number("keep", 0.5, 0, 1)),
              seed(spec));
      case "exit" -> exit(spec, layers);
      default -> throw new IllegalStateException("no policy " + spec);
    };
  }

  private static Depth fromArtefact(
      DepthSpec spec, ModelFacts model, DepthArtefact artefact, Kernels kernels, Arena arena) {
    int layers = model.layers();
    DepthPolicy policy =
        switch (spec.name()) {
          case "dllm" -> router(spec, model, artefact, kernels, arena);
          case "static" -> {
            BitSet keep = new BitSet(layers);
            for (JsonNode layer : artefact.description().path("keep")) {
              if (!layer.isInt() || layer.asInt() < 0 || layer.asInt() >= layers) {
                throw spec.bad(
                    "keep", layer.toString(), "layers in [0, " + (layers - 1) + "]", null);
              }
              keep.set(layer.asInt());
            }
            yield new LayerSubset(spec.toString(), keep, promptFull(spec));
          }
          case "random" -> {
            double[] rates = new double[layers];
            for (int layer = 0; layer < layers; layer++) {
              rates[layer] =
                  artefact.number(
                      artefact.description().path("rates").path(layer), "rates[" + layer + "]");
            }
            yield new RandomSkip(spec.toString(), rates, seed(spec));
          }
          default ->
              throw spec.bad(
                  "artefact", spec.text("artefact", ""), "no artefact for this policy", null);
        };
    return new Depth(policy, updates(model, artefact));
  }

  private static TokenRouter router(
      DepthSpec spec, ModelFacts model, DepthArtefact artefact, Kernels kernels, Arena arena) {
    int layers = model.layers();
    int d = model.hiddenSize();
    int h = artefact.integer("router_hidden_size", 1, 65_536);
    int first = artefact.integer("first_gated_layer", 0, layers);
    int reserved = artefact.integer("reserved_positions", 1, 1024);
    TokenRouter.Module[] modules = new TokenRouter.Module[layers];
    for (int layer = first; layer < layers; layer++) {
      String prefix = "layers." + layer + ".router.";
      modules[layer] =
          new TokenRouter.Module(
              PackedMatrix.ofFloats(artefact.floats(prefix + "0.weight", h, d), h, d, arena),
              artefact.floats(prefix + "0.bias", h),
              artefact.floats(prefix + "norm.weight", h),
              PackedMatrix.ofFloats(artefact.floats(prefix + "1.weight", 2, h), 2, h, arena),
              artefact.floats(prefix + "1.bias", 2));
    }
    float eps =
        (float) artefact.number(artefact.description().path("rms_norm_eps"), "rms_norm_eps");
    return new TokenRouter(
        spec.toString(), kernels, modules, d, reserved, threshold(spec, artefact), eps);
  }

  private static float threshold(DepthSpec spec, DepthArtefact artefact) {
    if (spec.options().containsKey("threshold")) {
      return (float) spec.number("threshold", 0, -1e6, 1e6);
    }
    JsonNode thresholds = artefact.description().path("thresholds");
    String budget = spec.text("budget", null);
    JsonNode found = budget == null ? thresholds.path("default") : null;
    for (String key : (Iterable<String>) thresholds::fieldNames) {
      if (budget != null && !key.equals("default") && sameNumber(key, budget)) {
        found = thresholds.get(key);
      }
    }
    if (found == null || !found.isNumber()) {
      throw spec.bad("budget", String.valueOf(budget), "one of the artefact's " + thresholds, null);
    }
    return (float) artefact.number(found, "threshold");
  }

  private static boolean sameNumber(String a, String b) {
    try {
      return Double.parseDouble(a) == Double.parseDouble(b);
    } catch (NumberFormatException e) {
      return false;
    }
  }

  private static LowRankUpdates updates(ModelFacts model, DepthArtefact artefact) {
    LowRankUpdates.Update[][] updates = new LowRankUpdates.Update[model.layers()][3];
    if (!artefact.description().has("lora")) {
      return new LowRankUpdates(updates);
    }
    int rank = (int) artefact.number(artefact.description().path("lora").path("rank"), "lora.rank");
    if (rank < 1 || rank > 4096) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH, "lora.rank is " + rank + ", expected 1 to 4096");
    }
    String[] projections = {"q_proj", "k_proj", "v_proj"};
    int[] outs = {model.headSizes()[0], model.headSizes()[1], model.headSizes()[1]};
    for (int layer = 0; layer < updates.length; layer++) {
      for (int p = 0; p < projections.length; p++) {
        String prefix = "layers." + layer + "." + projections[p] + ".";
        float[] a =
            artefact.floatsIfPresent(prefix + "lora_a", rank, model.hiddenSize()).orElse(null);
        if (a != null) {
          float[] b = artefact.floats(prefix + "lora_b", outs[p], rank);
          updates[layer][p] = new LowRankUpdates.Update(a, b, rank);
        }
      }
    }
    return new LowRankUpdates(updates);
  }

  private static ConfidenceExit exit(DepthSpec spec, int layers) {
    String measure = spec.text("confidence", "top1");
    if (!measure.equals("top1") && !measure.equals("margin")) {
      throw spec.bad("confidence", measure, "top1 or margin", null);
    }
    BitSet exits = new BitSet();
    if (spec.options().containsKey("layers")) {
      exits = layerSet(spec, "layers", layers - 1);
    } else {
      int every = (int) spec.number("every", Math.max(1, layers / 6), 1, layers);
      for (int layer = (int) spec.number("min-layer", layers / 3, 1, layers);
          layer < layers;
          layer += every) {
        exits.set(layer);
      }
    }
    return new ConfidenceExit(
        spec.toString(),
        ConfidenceExit.Measure.valueOf(measure.toUpperCase(Locale.ROOT)),
        (float) spec.number("threshold", 0.9, 0, 2),
        exits);
  }

  private static BitSet layerSet(DepthSpec spec, String key, int max) {
    String text = spec.text(key, "");
    BitSet set = new BitSet();
    for (String part : text.split("\\+")) {
      int layer;
      try {
        layer = Integer.parseInt(part.trim());
      } catch (NumberFormatException e) {
        throw spec.bad(key, text, "layers in [0, " + max + "] joined with +", e);
      }
      if (layer < 0 || layer > max) {
        throw spec.bad(key, text, "layers in [0, " + max + "] joined with +", null);
      }
      set.set(layer);
    }
    return set;
  }

  private static boolean promptFull(DepthSpec spec) {
    String prompt = spec.text("prompt", "skip");
    return switch (prompt) {
      case "skip" -> false;
      case "full" -> true;
      default ->
          throw spec.bad(
              "prompt", prompt, "skip (the set holds for prompt tokens too) or full", null);
    };
  }

  private static long seed(DepthSpec spec) {
    return (long) spec.number("seed", 0, Long.MIN_VALUE, Long.MAX_VALUE);
  }
}
