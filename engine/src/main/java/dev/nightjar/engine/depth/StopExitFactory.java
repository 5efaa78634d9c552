package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.BitSet;
import java.util.Set;

/**
 * {@code sec}: a trained controller lets generated tokens leave, or ends their row (Sun et al.,
 * "When Neural Code Completion Models Size up the Situation", ICSE 2024). The paper's heads of the
 * exits are lenses in front of the model's own.
 */
final class StopExitFactory implements PolicyFactory {
  @Override
  public String name() {
    return "sec";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "stop-threshold", "exit-threshold", "layers", "kv", "defer-limit");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "sec")) {
      Confidence.Controller controller =
          new Confidence.Controller(
              artefact.floats("controller.weight", 3, context.model().hiddenSize()),
              threshold(spec, artefact, "stop"),
              threshold(spec, artefact, "exit"));
      BitSet exits = exits(spec, context, artefact);
      EarlyExit exit =
          new EarlyExit(
              exits,
              controller,
              new float[context.model().layers() + 1],
              null,
              new EarlyExit.ExitHead(ExitOptions.lenses(spec, context, artefact, exits), 0),
              ExitOptions.keysValues(spec),
              false);
      return Depth.of(DepthPolicy.named(spec.toString()).with(exit), context);
    }
  }

  private static float threshold(PolicySpec spec, DepthArtefact artefact, String verdict) {
    String option = verdict + "-threshold";
    return (float)
        (spec.has(option)
            ? spec.number(option, 0, 0, 1)
            : artefact.number(verdict + "_threshold", 0, 1));
  }

  /** Layers by option, by artefact, or all of them. */
  private static BitSet exits(PolicySpec spec, PolicyContext context, DepthArtefact artefact) {
    JsonNode list = artefact.description().path("layers");
    BitSet exits = new BitSet();
    if (spec.has("layers")) {
      for (int layer : ExitOptions.layers(spec, context)) {
        exits.set(layer);
      }
      return exits;
    }
    if (list.isMissingNode()) {
      return ExitOptions.all(context);
    }
    if (!list.isArray()) {
      throw spec.bad("the artefact's layers", list.toString(), "an array of layers", null);
    }
    for (JsonNode layer : list) {
      ExitOptions.add(spec, context, layer, exits);
    }
    return exits;
  }
}
