package dev.nightjar.job.quantize;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.depth.DepthArtefact;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * How much each sublayer of a model changes the residual, from the similarity tables of an {@code
 * adaskip} artefact.
 *
 * @param similarities of input and output: attention of all layers, then feed-forward
 */
record Importance(double[] similarities) {

  /** Reads an artefact that was made for this model. */
  static Importance read(Path artefact, int layers, int hiddenSize, String weightsSha256) {
    try (DepthArtefact opened =
        DepthArtefact.open(artefact, "adaskip", layers, hiddenSize, weightsSha256)) {
      double[] similarities = new double[2 * layers];
      for (int layer = 0; layer < layers; layer++) {
        similarities[layer] = value(artefact, opened, "attention_similarity", layer);
        similarities[layers + layer] = value(artefact, opened, "feed_forward_similarity", layer);
      }
      return new Importance(similarities);
    }
  }

  private static double value(Path artefact, DepthArtefact opened, String table, int layer) {
    JsonNode value = opened.description().path(table).path(layer);
    if (!value.isNumber()) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "%s: %s has %s for layer %d, expected a number; calibrate the artefact again"
              .formatted(artefact, table, value.isMissingNode() ? "nothing" : value, layer));
    }
    return value.doubleValue();
  }

  /** The sublayers that change most. */
  Set<Integer> most(int count) {
    return IntStream.range(0, similarities.length)
        .boxed()
        .sorted(Comparator.comparingDouble(sublayer -> similarities[sublayer]))
        .limit(count)
        .collect(Collectors.toSet());
  }
}
