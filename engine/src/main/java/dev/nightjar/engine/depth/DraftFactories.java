package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import java.util.BitSet;
import java.util.Set;

/** The policies that draft with part of the model and verify with all of it. */
final class DraftFactories {
  private static final int LONGEST = 64;

  /**
   * Drafts from the first layers pay where they are nearly always right; the published length alone
   * drafts many tokens that are refused.
   */
  private static final double SURE = 0.7;

  private DraftFactories() {}

  private static int maxRows(PolicySpec spec) {
    return spec.integer("max-rows", 2, 1, 4096);
  }

  private static float confidence(PolicySpec spec, double orElse) {
    return (float) spec.number("confidence", orElse, 0, 1);
  }

  private static int exit(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    requireLayers(spec, context, 2);
    return spec.integer("exit", Math.max(1, layers / 3), 1, layers - 1);
  }

  private static void requireLayers(PolicySpec spec, PolicyContext context, int least) {
    if (context.model().layers() < least) {
      String found = Integer.toString(context.model().layers());
      throw spec.bad("the number of the model's layers", found, "at least " + least, null);
    }
  }

  private static Depth depth(PolicySpec spec, PolicyContext context, Drafting drafting) {
    return Depth.of(DepthPolicy.named(spec.toString()).with(drafting), context);
  }

  /** {@code layerskip}: the first layers draft. */
  static final class LayerSkip implements PolicyFactory {
    @Override
    public String name() {
      return "layerskip";
    }

    @Override
    public Set<String> options() {
      return Set.of("exit", "length", "confidence", "max-rows");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      DraftPlan plan = DraftPlan.exit(context.model().layers(), exit(spec, context));
      int length = spec.integer("length", 8, 1, LONGEST);
      return depth(
          spec, context, new FixedDrafting(plan, length, confidence(spec, SURE), maxRows(spec)));
    }
  }

  /** {@code eesd}: the first layers draft, as long as a bandit says. */
  static final class Bandit implements PolicyFactory {
    @Override
    public String name() {
      return "eesd";
    }

    @Override
    public Set<String> options() {
      return Set.of("exit", "length", "confidence", "max-rows", "right", "wrong");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      DraftPlan plan = DraftPlan.exit(context.model().layers(), exit(spec, context));
      int length = spec.integer("length", 12, 1, LONGEST);
      double right = spec.number("right", 1, 1, 1e6);
      double wrong = spec.number("wrong", 1, 1, 1e6);
      return depth(
          spec,
          context,
          new BetaDrafting(plan, length, confidence(spec, SURE), maxRows(spec), right, wrong));
    }
  }

  /** {@code del}: the first layers draft; how many of them and how far is learned. */
  static final class Chooser implements PolicyFactory {
    @Override
    public String name() {
      return "del";
    }

    @Override
    public Set<String> options() {
      return Set.of(
          "exits", "length", "confidence", "max-rows", "every", "decay", "head-cost", "row-cost");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      requireLayers(spec, context, 2);
      int layers = context.model().layers();
      return depth(
          spec,
          context,
          new ExitDrafting(
              layers,
              exits(spec, layers),
              spec.integer("length", 8, 1, LONGEST),
              confidence(spec, SURE),
              maxRows(spec),
              spec.integer("every", 8, 1, 1_000_000),
              spec.number("decay", 0.9, 0, 1),
              spec.number("head-cost", 1, 0, 1e6),
              spec.number("row-cost", 0.5, 0, 1)));
    }

    private static int[] exits(PolicySpec spec, int layers) {
      BitSet exits = new BitSet();
      if (spec.has("exits")) {
        for (int exit : spec.layers("exits", layers - 1)) {
          exits.set(exit);
        }
        if (exits.get(0)) {
          throw spec.bad("exits", spec.text("exits", ""), "1 to " + (layers - 1), null);
        }
      } else {
        for (int sixth = 1; sixth < 6; sixth++) {
          exits.set(Math.clamp(sixth * layers / 6, 1, layers - 1));
        }
      }
      return exits.stream().toArray();
    }
  }

  /** {@code swift}: the model without some of its sublayers drafts. */
  static final class Swift implements PolicyFactory {
    @Override
    public String name() {
      return "swift";
    }

    @Override
    public Set<String> options() {
      return Set.of(
          "skip", "attention", "feed-forward", "artefact", "length", "confidence", "max-rows");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      requireLayers(spec, context, 3);
      int layers = context.model().layers();
      BitSet attention = new BitSet();
      BitSet feedForward = new BitSet();
      if (spec.has("artefact")) {
        try (DepthArtefact artefact = context.open(spec, "swift")) {
          addAll(attention, "attention_skipped", artefact, spec, layers);
          addAll(feedForward, "feed_forward_skipped", artefact, spec, layers);
        }
      } else if (spec.has("attention") || spec.has("feed-forward")) {
        addAll(attention, "attention", spec, layers);
        addAll(feedForward, "feed-forward", spec, layers);
      } else {
        int all = 2 * (layers - 2);
        int count =
            spec.has("skip")
                ? (int) (all * spec.number("skip", 0.45, 0, 1))
                : 2 * ((layers - 1) / 2);
        start(layers, count, attention, feedForward);
      }
      DraftPlan plan = DraftPlan.without(layers, attention, feedForward);
      int length = spec.integer("length", 25, 1, LONGEST);
      return depth(
          spec, context, new FixedDrafting(plan, length, confidence(spec, 0.8), maxRows(spec)));
    }

    /**
     * The published start: both sublayers of the odd layers, never of the first or the last one.
     * For another count the deepest odd layers come first, and the even ones after all odd ones.
     */
    static void start(int layers, int count, BitSet attention, BitSet feedForward) {
      int left = count;
      for (int parity = 1; parity >= 0; parity--) {
        for (int layer = layers - 2; layer >= 1; layer--) {
          if (layer % 2 == parity) {
            feedForward.set(layer, left > 0);
            attention.set(layer, left > 1);
            left -= Math.min(2, left);
          }
        }
      }
    }

    private static void addAll(BitSet set, String key, PolicySpec spec, int layers) {
      if (!spec.has(key)) {
        return;
      }
      for (int layer : spec.layers(key, layers - 2)) {
        if (layer == 0) {
          throw inner(spec, key, "0", layers);
        }
        set.set(layer);
      }
    }

    private static void addAll(
        BitSet set, String key, DepthArtefact artefact, PolicySpec spec, int layers) {
      JsonNode list = artefact.description().path(key);
      if (!list.isArray()) {
        throw inner(spec, key, list.toString(), layers);
      }
      for (JsonNode layer : list) {
        if (!layer.isInt() || layer.asInt() < 1 || layer.asInt() > layers - 2) {
          throw inner(spec, key, layer.toString(), layers);
        }
        set.set(layer.asInt());
      }
    }

    private static EngineException inner(PolicySpec spec, String key, String found, int layers) {
      return spec.bad(key, found, "layers in [1, " + (layers - 2) + "]", null);
    }
  }
}
