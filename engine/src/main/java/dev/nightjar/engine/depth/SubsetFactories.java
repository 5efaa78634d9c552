package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.BitSet;
import java.util.Set;

/** The policies that run the same layers for every token. */
final class SubsetFactories {
  private SubsetFactories() {}

  /** {@code unified}: an evenly spaced set. */
  static final class Unified implements PolicyFactory {
    @Override
    public String name() {
      return "unified";
    }

    @Override
    public Set<String> options() {
      return Set.of("keep", "prompt");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      BitSet keep = LayerSubset.unified(context.model().layers(), spec.number("keep", 0.5, 0, 1));
      return Depth.of(
          DepthPolicy.named(spec.toString()).with(new LayerSubset(keep, promptFull(spec))),
          context);
    }
  }

  /** {@code static}: any fixed set, with the updates trained for it if there is an artefact. */
  static final class Static implements PolicyFactory {
    @Override
    public String name() {
      return "static";
    }

    @Override
    public Set<String> options() {
      return Set.of("keep", "prompt", "artefact");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      DepthPolicy policy = DepthPolicy.named(spec.toString());
      int layers = context.model().layers();
      BitSet keep = new BitSet(layers);
      if (!spec.has("artefact")) {
        for (int layer : spec.layers("keep", layers - 1)) {
          keep.set(layer);
        }
        return Depth.of(policy.with(new LayerSubset(keep, promptFull(spec))), context);
      }
      try (DepthArtefact artefact = context.open(spec, "static")) {
        for (JsonNode layer : artefact.description().path("keep")) {
          if (!layer.isInt() || layer.asInt() < 0 || layer.asInt() >= layers) {
            throw spec.bad("keep", layer.toString(), "layers in [0, " + (layers - 1) + "]", null);
          }
          keep.set(layer.asInt());
        }
        return new Depth(
            policy.with(new LayerSubset(keep, promptFull(spec))), context.updates(artefact));
      }
    }
  }

  private static boolean promptFull(PolicySpec spec) {
    String prompt = spec.text("prompt", "skip");
    return switch (prompt) {
      case "skip" -> false;
      case "full" -> true;
      default ->
          throw spec.bad(
              "prompt", prompt, "skip (the set holds for prompt tokens too) or full", null);
    };
  }
}
