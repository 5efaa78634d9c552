package dev.nightjar.engine.depth;

import java.util.Set;

/** {@code full}: the dense model. */
final class FullFactory implements PolicyFactory {
  @Override
  public String name() {
    return "full";
  }

  @Override
  public Set<String> options() {
    return Set.of();
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    return Depth.of(DepthPolicy.full(), context);
  }
}
