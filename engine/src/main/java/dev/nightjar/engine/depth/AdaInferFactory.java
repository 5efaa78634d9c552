package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;

/**
 * {@code adainfer}: the prompts of rows that generate one token leave where the answer is certain
 * (Fan et al., arXiv:2403.02181).
 */
final class AdaInferFactory implements PolicyFactory {
  @Override
  public String name() {
    return "adainfer";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "threshold");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "adainfer")) {
      float[] coefficients = artefact.numbers("coefficients", 3, -1e9, 1e9);
      JsonNode list = artefact.description().path("layers");
      if (!list.isArray()) {
        throw spec.bad("the artefact's layers", list.toString(), "an array of layers", null);
      }
      BitSet exits = new BitSet();
      for (JsonNode layer : list) {
        ExitOptions.add(spec, context, layer, exits);
      }
      float[] thresholds = new float[context.model().layers() + 1];
      Arrays.fill(thresholds, (float) spec.number("threshold", 0.5, 0, 2));
      EarlyExit exit =
          new EarlyExit(
              exits,
              new Confidence.Features(coefficients[0], coefficients[1], coefficients[2]),
              thresholds,
              null,
              EarlyExit.ExitHead.PLAIN,
              EarlyExit.KeysValues.PROJECT,
              true);
      return Depth.of(DepthPolicy.named(spec.toString()).with(exit), context);
    }
  }
}
