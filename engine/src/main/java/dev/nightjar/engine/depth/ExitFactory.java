package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.SamplingParams;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;

/** {@code exit}: generated tokens leave where the model is confident. */
final class ExitFactory implements PolicyFactory {
  private static final String MEASURES = "top1, margin, entropy, state or classifier";

  /** Where tokens may leave, and from which confidence on. */
  private record Exits(BitSet layers, float[] thresholds) {}

  @Override
  public String name() {
    return "exit";
  }

  @Override
  public Set<String> options() {
    return Set.of(
        "artefact",
        "confidence",
        "threshold",
        "thresholds",
        "layers",
        "min-layer",
        "every",
        "tau",
        "length",
        "vocabulary",
        "kv",
        "defer-limit");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    String measure = spec.text("confidence", "top1");
    if (!spec.has("artefact") && !measure.equals("classifier")) {
      return depth(
          spec, context, measure(spec, measure, null, context), plain(spec, context), null);
    }
    try (DepthArtefact artefact = context.open(spec, "exit")) {
      for (String key : new String[] {"thresholds", "layers", "min-layer", "every"}) {
        if (spec.has(key)) {
          String expected = "nothing, because the artefact lists the exits";
          throw spec.bad(key, spec.text(key, ""), expected, null);
        }
      }
      String trained = artefact.description().path("measure").asText("");
      if (spec.has("confidence") && !measure.equals(trained)) {
        throw spec.bad("confidence", measure, "the artefact's \"" + trained + "\"", null);
      }
      Confidence confidence = measure(spec, trained, artefact, context);
      Exits exits = listed(spec, context, artefact);
      EarlyExit.Lens[] lenses = ExitOptions.lenses(spec, context, artefact, exits.layers());
      return depth(spec, context, confidence, exits, lenses);
    }
  }

  private static Depth depth(
      PolicySpec spec,
      PolicyContext context,
      Confidence confidence,
      Exits exits,
      EarlyExit.Lens[] lenses) {
    if (confidence.usesPrevious()) {
      // As published: at the first exit, the state has nothing to be compared with.
      exits.layers().clear(Math.max(0, exits.layers().nextSetBit(0)));
    }
    // So many that the alternatives a request may ask for have finite log-probabilities.
    int vocabulary = spec.integer("vocabulary", 0, SamplingParams.MAX_LOGPROBS, 1 << 20);
    if (vocabulary > 0 && !confidence.usesHead()) {
      String expected = "a confidence that looks at the vocabulary: top1, margin or entropy";
      throw spec.bad("vocabulary", spec.text("vocabulary", ""), expected, null);
    }
    EarlyExit exit =
        new EarlyExit(
            exits.layers(),
            confidence,
            exits.thresholds(),
            decay(spec, confidence),
            new EarlyExit.ExitHead(lenses, vocabulary),
            ExitOptions.keysValues(spec),
            false);
    return Depth.of(DepthPolicy.named(spec.toString()).with(exit), context);
  }

  /** Exits by options. */
  private static Exits plain(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    BitSet exits = new BitSet();
    float[] thresholds = new float[layers + 1];
    Arrays.fill(thresholds, threshold(spec));
    if (spec.has("layers")) {
      int[] named = ExitOptions.layers(spec, context);
      for (int layer : named) {
        exits.set(layer);
      }
      if (spec.has("thresholds")) {
        thresholds(spec, named, thresholds);
      }
      return new Exits(exits, thresholds);
    }
    if (spec.has("thresholds")) {
      throw spec.bad("thresholds", spec.text("thresholds", ""), "layers with them", null);
    }
    int every = spec.integer("every", Math.max(1, layers / 6), 1, layers);
    int first = spec.integer("min-layer", Math.max(1, layers / 3), 1, layers);
    for (int layer = first; layer < layers; layer += every) {
      exits.set(layer);
    }
    return new Exits(exits, thresholds);
  }

  /** One threshold per exit (LITE), in the order of the exits. */
  private static void thresholds(PolicySpec spec, int[] layers, float[] thresholds) {
    String text = spec.text("thresholds", "");
    String[] parts = text.split("\\+");
    if (parts.length != layers.length || spec.has("threshold")) {
      String expected = layers.length + " numbers joined with +, and no threshold beside them";
      throw spec.bad("thresholds", text, expected, null);
    }
    for (int i = 0; i < parts.length; i++) {
      try {
        thresholds[layers[i]] =
            checked(spec, "thresholds", Double.parseDouble(parts[i]), measure(spec));
      } catch (NumberFormatException e) {
        throw spec.bad("thresholds", text, layers.length + " numbers joined with +", e);
      }
    }
  }

  /** Exits by artefact; a threshold option holds for all of them. */
  private static Exits listed(PolicySpec spec, PolicyContext context, DepthArtefact artefact) {
    String measure = artefact.description().path("measure").asText();
    JsonNode list = artefact.description().path("exits");
    if (!list.isArray()) {
      String expected = "an array of layer and threshold";
      throw spec.bad("the artefact's exits", list.toString(), expected, null);
    }
    BitSet exits = new BitSet();
    float[] thresholds = new float[context.model().layers() + 1];
    for (JsonNode exit : list) {
      ExitOptions.add(spec, context, exit.path("layer"), exits);
      double threshold =
          spec.has("threshold")
              ? spec.number("threshold", 0, -1e6, 1e6)
              : artefact.number(exit.path("threshold"), "exits.threshold");
      thresholds[exit.path("layer").asInt()] = checked(spec, "threshold", threshold, measure);
    }
    return new Exits(exits, thresholds);
  }

  private static float threshold(PolicySpec spec) {
    double usual =
        switch (measure(spec)) {
          case "entropy" -> 0.5;
          case "state" -> 0.98;
          default -> 0.9;
        };
    return checked(spec, "threshold", spec.number("threshold", usual, -1e6, 1e6), measure(spec));
  }

  private static String measure(PolicySpec spec) {
    return spec.text("confidence", "top1");
  }

  /** Beyond its range on one side, a threshold lets all tokens leave, on the other none. */
  private static float checked(PolicySpec spec, String key, double value, String measure) {
    double min = measure.equals("entropy") || measure.equals("state") ? -2 : 0;
    double max = measure.equals("entropy") ? 100 : 2;
    if (!(value >= min && value <= max)) {
      String expected = "a number in [" + min + ", " + max + "] for " + measure;
      throw spec.bad(key, Double.toString(value), expected, null);
    }
    return (float) value;
  }

  private static Confidence measure(
      PolicySpec spec, String measure, DepthArtefact artefact, PolicyContext context) {
    return switch (measure) {
      case "top1" -> new Confidence.Top1();
      case "margin" -> new Confidence.Margin();
      case "entropy" -> new Confidence.Entropy();
      case "state" -> new Confidence.State();
      case "classifier" ->
          new Confidence.Classifier(
              artefact.floats("classifier.weight", 2, context.model().hiddenSize()),
              artefact.floats("classifier.bias", 2));
      default -> throw spec.bad("confidence", measure, MEASURES, null);
    };
  }

  private static EarlyExit.Decay decay(PolicySpec spec, Confidence confidence) {
    if (!spec.has("tau")) {
      if (spec.has("length")) {
        throw spec.bad("length", spec.text("length", ""), "tau with it", null);
      }
      return null;
    }
    if (confidence.usesEntropy()) {
      String expected = "a confidence that rises: all but entropy";
      throw spec.bad("tau", spec.text("tau", ""), expected, null);
    }
    return new EarlyExit.Decay(
        (float) spec.number("tau", 0, 0, 1000), spec.integer("length", 0, 1, 1 << 24));
  }
}
