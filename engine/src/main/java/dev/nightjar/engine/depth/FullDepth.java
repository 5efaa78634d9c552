package dev.nightjar.engine.depth;

/** Every layer for every token: the dense model. */
public record FullDepth() implements DepthPolicy {
  @Override
  public String spec() {
    return "full";
  }
}
