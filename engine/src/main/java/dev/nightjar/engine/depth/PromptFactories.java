package dev.nightjar.engine.depth;

import java.util.BitSet;
import java.util.Set;

/** The policies that drop prompt tokens. */
final class PromptFactories {
  private PromptFactories() {}

  /** {@code pyramid}: fewer and fewer tokens on the way up. */
  static final class Pyramid implements PolicyFactory {
    @Override
    public String name() {
      return "pyramid";
    }

    @Override
    public Set<String> options() {
      return Set.of("decay", "keep", "recent", "min-length", "sinks", "every", "weight");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      int layers = context.model().layers();
      PyramidPruning.Options options =
          new PyramidPruning.Options(
              spec.number("recent", 0.2, 0, 1),
              spec.integer("min-length", 64, 0, 1 << 20),
              spec.integer("sinks", 4, 0, 1 << 20),
              spec.integer("every", 1, 1, 3),
              spec.number("weight", 1.2, 1, 100));
      if (spec.has("keep") && spec.has("decay")) {
        throw spec.bad("keep", spec.text("keep", ""), "no keep beside decay, or the reverse", null);
      }
      PromptPruning pruning =
          spec.has("keep")
              ? PyramidPruning.even(layers, spec.number("keep", 1, 0.01, 1), options)
              : PyramidPruning.cosine(layers, spec.number("decay", 0.9, 0, 1), options);
      return Depth.of(DepthPolicy.named(spec.toString()).with(pruning), context);
    }
  }

  /** {@code slim}: blocks at a few layers. */
  static final class Slim implements PolicyFactory {
    @Override
    public String name() {
      return "slim";
    }

    @Override
    public Set<String> options() {
      return Set.of("layers", "keep", "block");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      int layers = context.model().layers();
      BitSet at = new BitSet(layers);
      if (spec.has("layers")) {
        for (int layer : spec.layers("layers", layers - 1)) {
          at.set(layer);
        }
      } else {
        at.set(layers / 3);
        at.set(2 * layers / 3);
      }
      PromptPruning pruning =
          new BlockPruning(
              at, spec.number("keep", 0.7, 0, 1), spec.integer("block", 8, 1, 1 << 16));
      return Depth.of(DepthPolicy.named(spec.toString()).with(pruning), context);
    }
  }

  /** {@code gemfilter}: the tokens that an early layer names, read alone. */
  static final class Gem implements PolicyFactory {
    private static final double PUBLISHED_DEPTH = 13.0 / 32;

    @Override
    public String name() {
      return "gemfilter";
    }

    @Override
    public Set<String> options() {
      return Set.of("layer", "keep", "pool");
    }

    @Override
    public Depth create(PolicySpec spec, PolicyContext context) {
      int layers = context.model().layers();
      int published = (int) Math.round(PUBLISHED_DEPTH * layers);
      int layer = spec.integer("layer", Math.min(published, layers - 1), 0, layers - 1);
      double keep = spec.number("keep", 1024, 0, 1 << 20);
      if (keep > 1 && keep != Math.rint(keep)) {
        throw spec.bad(
            "keep", spec.text("keep", ""), "a share up to 1 or a whole number of tokens", null);
      }
      int pool = spec.integer("pool", 5, 1, 1001);
      if (pool % 2 == 0) {
        throw spec.bad("pool", spec.text("pool", ""), "an odd number", null);
      }
      return Depth.of(
          DepthPolicy.named(spec.toString()).with(new GemFilter(layer, keep, pool)), context);
    }
  }
}
