package dev.nightjar.engine.depth;

import java.util.Set;

/**
 * {@code d3}: depth decays exponentially with the position. The paper searches its settings per
 * task; the defaults are ours.
 */
final class DepthDecayFactory implements PolicyFactory {
  @Override
  public String name() {
    return "d3";
  }

  @Override
  public Set<String> options() {
    return Set.of("alpha", "start", "core", "length");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    DepthDecay schedule =
        new DepthDecay(
            layers,
            spec.number("alpha", 0.9, 0, 1),
            spec.integer("core", (layers + 1) / 2, 1, layers),
            spec.number("start", 0.5, 0, 1),
            spec.integer("length", 0, 1, Integer.MAX_VALUE));
    return Depth.of(DepthPolicy.named(spec.toString()).with(schedule), context);
  }
}
