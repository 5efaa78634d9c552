package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.kernel.PackedMatrix;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * What factories build with.
 *
 * @param arena holds packed matrices; lives as long as the engine
 */
record PolicyContext(Depth.ModelFacts model, Kernels kernels, Arena arena) {

  /**
   * Opens the artefact a specification names, or the one of that name beside the model.
   *
   * @param policy the policy that the artefact must be for
   */
  DepthArtefact open(PolicySpec spec, String policy) {
    String named = spec.text("artefact", null);
    Path folder = named != null ? Path.of(named) : model.artefacts().resolve(spec.name());
    return DepthArtefact.open(
        folder, policy, model.layers(), model.hiddenSize(), model.weightsSha256().get());
  }

  /** A matrix of an artefact, packed. */
  PackedMatrix matrix(DepthArtefact artefact, String name, int rows, int columns) {
    return PackedMatrix.ofFloats(artefact.floats(name, rows, columns), rows, columns, arena);
  }

  /** A threshold by option, by the budget asked for, or the artefact's default. */
  float threshold(PolicySpec spec, DepthArtefact artefact) {
    if (spec.has("threshold")) {
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

  /** The updates of the attention projections that were trained with a policy. */
  LowRankUpdates updates(DepthArtefact artefact) {
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
}
