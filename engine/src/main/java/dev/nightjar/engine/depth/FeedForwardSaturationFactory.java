package dev.nightjar.engine.depth;

import java.util.Set;

/**
 * {@code ffnskip}: feed-forward sublayers that have nothing to add are skipped. Settings come from
 * an artefact, each of them from an option where there is one; with threshold, first and last given
 * no artefact is needed.
 */
final class FeedForwardSaturationFactory implements PolicyFactory {
  /** Tokens after which longer warm-ups gained nothing in the paper. */
  private static final int WARM_UP = 25;

  private static final int MAX_WARM_UP = 1_000_000;

  @Override
  public String name() {
    return "ffnskip";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "threshold", "first", "last", "budget", "warm-up", "prompt");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    boolean given = spec.has("threshold") && spec.has("first") && spec.has("last");
    FeedForwardSaturation.Settings found;
    if (given && !spec.has("artefact")) {
      found = new FeedForwardSaturation.Settings(2, 0, layers - 1, layers, WARM_UP);
    } else {
      try (DepthArtefact artefact = context.open(spec, "ffnskip")) {
        found = read(artefact, layers);
      }
    }
    FeedForwardSaturation rule =
        new FeedForwardSaturation(override(spec, found, layers), spec.flag("prompt", false));
    return Depth.of(DepthPolicy.named(spec.toString()).with(rule), context);
  }

  private static FeedForwardSaturation.Settings read(DepthArtefact artefact, int layers) {
    int first = artefact.integer("first_layer", 0, layers - 1);
    return new FeedForwardSaturation.Settings(
        (float) artefact.number("similarity_threshold", -1, 2),
        first,
        artefact.integer("last_layer", first, layers - 1),
        artefact.integer("budget", 1, layers),
        artefact.integer("warm_up", 0, MAX_WARM_UP));
  }

  private static FeedForwardSaturation.Settings override(
      PolicySpec spec, FeedForwardSaturation.Settings found, int layers) {
    int first = spec.integer("first", found.first(), 0, layers - 1);
    if (!spec.has("last") && first > found.last()) {
      throw spec.bad("first", Integer.toString(first), "a layer up to " + found.last(), null);
    }
    return new FeedForwardSaturation.Settings(
        (float) spec.number("threshold", found.threshold(), -1, 2),
        first,
        spec.integer("last", found.last(), first, layers - 1),
        spec.integer("budget", found.budget(), 1, layers),
        spec.integer("warm-up", found.warmUp(), 0, MAX_WARM_UP));
  }
}
