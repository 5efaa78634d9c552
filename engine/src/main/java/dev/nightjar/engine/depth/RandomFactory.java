package dev.nightjar.engine.depth;

import java.util.Set;

/** {@code random}: random layers for every token. */
final class RandomFactory implements PolicyFactory {
  @Override
  public String name() {
    return "random";
  }

  @Override
  public Set<String> options() {
    return Set.of("keep", "seed", "artefact");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    long seed = (long) spec.number("seed", 0, Long.MIN_VALUE, Long.MAX_VALUE);
    DepthPolicy policy = DepthPolicy.named(spec.toString());
    if (!spec.has("artefact")) {
      double[] rates = RandomSkip.uniformRates(layers, spec.number("keep", 0.5, 0, 1));
      return Depth.of(policy.with(new RandomSkip(rates, seed)), context);
    }
    try (DepthArtefact artefact = context.open(spec, "random")) {
      double[] rates = new double[layers];
      for (int layer = 0; layer < layers; layer++) {
        rates[layer] =
            artefact.number(
                artefact.description().path("rates").path(layer), "rates[" + layer + "]");
      }
      return new Depth(policy.with(new RandomSkip(rates, seed)), context.updates(artefact));
    }
  }
}
