package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * {@code 2d}: rows that choose a label are read sentence by sentence and ever deeper, until a
 * classifier is sure (Hůla et al., arXiv:2604.18592).
 */
final class ReadingFactory implements PolicyFactory {
  private static final int MAX_LABELS = 1000;

  @Override
  public String name() {
    return "2d";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "threshold", "min-tokens");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "2d")) {
      List<String> labels = labels(spec, artefact.description().path("labels"));
      JsonNode depths = artefact.description().path("depths");
      int layers = context.model().layers();
      if (!depths.isArray() || depths.isEmpty()) {
        throw spec.bad("the artefact's depths", depths.toString(), expected(layers), null);
      }
      float[] thresholds = artefact.numbers("thresholds", depths.size(), 0, 2);
      List<Reading.Adapter> adapters = new ArrayList<>();
      int below = 1;
      for (int i = 0; i < depths.size(); i++) {
        int depth = depths.path(i).isInt() ? depths.path(i).asInt() : 0;
        if (depth < below || depth >= layers) {
          throw spec.bad("the artefact's depths", depths.toString(), expected(layers), null);
        }
        below = depth;
        float threshold = (float) spec.number("threshold", thresholds[i], 0, 2);
        String prefix = "adapters." + i + ".";
        adapters.add(
            new Reading.Adapter(
                depth,
                artefact.floats(prefix + "weight", labels.size(), context.model().hiddenSize()),
                artefact.floats(prefix + "bias", labels.size()),
                threshold));
      }
      int minTokens = spec.integer("min-tokens", Reading.MIN_TOKENS, 1, 1 << 20);
      Reading reading = new Reading(labels, adapters, minTokens);
      return Depth.of(DepthPolicy.named(spec.toString()).with(reading), context);
    }
  }

  private static List<String> labels(PolicySpec spec, JsonNode list) {
    List<String> labels = new ArrayList<>();
    for (JsonNode label : list) {
      labels.add(label.asText());
    }
    boolean distinct = new HashSet<>(labels).size() == labels.size();
    if (!list.isArray() || labels.size() < 2 || labels.size() > MAX_LABELS || !distinct) {
      String expected = "an array of 2 to " + MAX_LABELS + " different labels";
      throw spec.bad("the artefact's labels", list.toString(), expected, null);
    }
    return labels;
  }

  private static String expected(int layers) {
    return "an array of numbers of layers run in [1, "
        + (layers - 1)
        + "], none below the one before";
  }
}
