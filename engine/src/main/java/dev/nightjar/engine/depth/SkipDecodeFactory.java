package dev.nightjar.engine.depth;

import java.util.Set;

/**
 * {@code skipdecode}: depth falls with the position. The default depths are the paper's for half
 * the computation, a third of the layers at the end and twice that at the beginning.
 */
final class SkipDecodeFactory implements PolicyFactory {
  @Override
  public String name() {
    return "skipdecode";
  }

  @Override
  public Set<String> options() {
    return Set.of("max", "min", "length", "warm-up", "prompt");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    int third = Math.max(1, Math.round(layers / 3f));
    int max = spec.integer("max", Math.min(2 * third, layers), 1, layers);
    int min = spec.integer("min", Math.min(third, max), 1, max);
    int warmUp = spec.integer("warm-up", 1, 0, min);
    int length = spec.integer("length", 0, 1, Integer.MAX_VALUE);
    String prompt = spec.text("prompt", "full");
    int promptDepth =
        switch (prompt) {
          case "full" -> layers;
          case "max" -> max;
          default -> throw spec.bad("prompt", prompt, "full or max (the largest depth)", null);
        };
    SkipDecode schedule =
        new SkipDecode(layers, new SkipDecode.Range(max, min), warmUp, length, promptDepth);
    return Depth.of(DepthPolicy.named(spec.toString()).with(schedule), context);
  }
}
