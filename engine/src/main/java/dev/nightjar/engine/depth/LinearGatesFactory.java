package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;

/** {@code gates}: gates fitted by forward passes. */
final class LinearGatesFactory implements PolicyFactory {
  @Override
  public String name() {
    return "gates";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "budget", "threshold");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "gates")) {
      int layers = context.model().layers();
      int first = artefact.integer("first_gated_layer", 0, layers);
      boolean projects = projects(spec, artefact);
      int reserved = artefact.integer("reserved_positions", projects ? 0 : 1, 1024);
      Linear[] gates = new Linear[layers];
      for (int layer = first; layer < layers; layer++) {
        String prefix = "layers." + layer + ".gate.";
        gates[layer] = Linear.of(context, artefact, prefix, 1, context.model().hiddenSize());
      }
      DepthPolicy policy =
          DepthPolicy.named(spec.toString())
              .with(
                  new LinearGates(
                      context.kernels(), gates, reserved, context.threshold(spec, artefact)));
      return Depth.of(projects ? policy.projecting() : policy, context);
    }
  }

  private static boolean projects(PolicySpec spec, DepthArtefact artefact) {
    JsonNode kv = artefact.description().path("kv");
    return switch (kv.asText()) {
      case "project" -> true;
      case "absent" -> false;
      default -> throw spec.bad("kv", kv.asText(), "project or absent", null);
    };
  }
}
