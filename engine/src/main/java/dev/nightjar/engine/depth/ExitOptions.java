package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.BitSet;

/** What the factories of exits have in common. */
final class ExitOptions {
  private static final int DEFERRED = 8;

  private ExitOptions() {}

  /** Exits that an option names, in its order. */
  static int[] layers(PolicySpec spec, PolicyContext context) {
    int last = context.model().layers() - 1;
    int[] layers = spec.layers("layers", last);
    BitSet seen = new BitSet();
    for (int layer : layers) {
      if (layer == 0 || seen.get(layer)) {
        throw spec.bad("layers", spec.text("layers", ""), unique(last), null);
      }
      seen.set(layer);
    }
    return layers;
  }

  /** Adds an artefact's exit; it must be a new one. */
  static void add(PolicySpec spec, PolicyContext context, JsonNode layer, BitSet exits) {
    int last = context.model().layers() - 1;
    if (!layer.isInt() || layer.asInt() < 1 || layer.asInt() > last || exits.get(layer.asInt())) {
      throw spec.bad("the artefact's layer", layer.toString(), unique(last), null);
    }
    exits.set(layer.asInt());
  }

  private static String unique(int last) {
    return "numbers of layers run in [1, " + last + "], none of them twice";
  }

  /** Exits after every layer but the last. */
  static BitSet all(PolicyContext context) {
    BitSet exits = new BitSet();
    exits.set(1, Math.max(1, context.model().layers()));
    return exits;
  }

  /** What the layers above keep of a token that left. */
  static EarlyExit.KeysValues keysValues(PolicySpec spec) {
    String rule = spec.text("kv", "project");
    return switch (rule) {
      case "project" -> {
        if (spec.has("defer-limit")) {
          throw spec.bad("defer-limit", spec.text("defer-limit", ""), "kv=defer with it", null);
        }
        yield EarlyExit.KeysValues.PROJECT;
      }
      case "defer" ->
          new EarlyExit.KeysValues(true, spec.integer("defer-limit", DEFERRED, 1, 4096));
      default -> throw spec.bad("kv", rule, "project or defer", null);
    };
  }

  /**
   * The lenses of an artefact's exits, {@code exits.<layer>.lens.weight} and {@code .bias}; null if
   * it has none.
   */
  static EarlyExit.Lens[] lenses(
      PolicySpec spec, PolicyContext context, DepthArtefact artefact, BitSet exits) {
    JsonNode lens = artefact.description().path("lens");
    if (!lens.isMissingNode() && !lens.isBoolean()) {
      throw spec.bad("the artefact's lens", lens.toString(), "true or false", null);
    }
    if (!lens.asBoolean(false)) {
      return null;
    }
    int d = context.model().hiddenSize();
    EarlyExit.Lens[] lenses = new EarlyExit.Lens[context.model().layers() + 1];
    for (int layer = exits.nextSetBit(0); layer >= 0; layer = exits.nextSetBit(layer + 1)) {
      String prefix = "exits." + layer + ".lens.";
      lenses[layer] =
          new EarlyExit.Lens(
              context.matrix(artefact, prefix + "weight", d, d),
              artefact.floats(prefix + "bias", d));
    }
    return lenses;
  }
}
