package dev.nightjar.engine.depth;

import java.util.Arrays;
import java.util.Set;

/** {@code adaskip}: the sublayers that change the residual least, from an artefact's tables. */
final class AdaSkipFactory implements PolicyFactory {
  private static final double MAX_RATIO = 1e6;

  @Override
  public String name() {
    return "adaskip";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "skip", "online");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    DepthPolicy policy = DepthPolicy.named(spec.toString());
    try (DepthArtefact artefact = context.open(spec, "adaskip")) {
      int wanted = Math.round(layers / 4f);
      if (artefact.description().has("skip")) {
        wanted = artefact.integer("skip", 0, 2 * layers);
      }
      AdaSkip tables =
          AdaSkip.of(
              both(artefact, "similarity", layers, -1.001, 1.001),
              both(artefact, "ratio", layers, 0, MAX_RATIO),
              spec.integer("skip", wanted, 0, 2 * layers));
      policy = policy.with(tables.cells()).with(tables.operation());
      if (spec.flag("online", true) && !tables.skipped().isEmpty()) {
        policy = policy.with(new AdaSkipDecoding(layers, tables.threshold()));
      }
      return Depth.of(policy, context);
    }
  }

  private static float[] both(
      DepthArtefact artefact, String table, int layers, double min, double max) {
    float[] attention = artefact.numbers("attention_" + table, layers, min, max);
    float[] all = Arrays.copyOf(attention, 2 * layers);
    float[] feedForward = artefact.numbers("feed_forward_" + table, layers, min, max);
    System.arraycopy(feedForward, 0, all, layers, layers);
    return all;
  }
}
