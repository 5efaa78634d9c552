package dev.nightjar.engine.depth;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;

/** {@code exit}: generated tokens leave where the model is confident. */
final class ExitFactory implements PolicyFactory {
  private static final int DEFERRED = 8;

  @Override
  public String name() {
    return "exit";
  }

  @Override
  public Set<String> options() {
    return Set.of("confidence", "threshold", "layers", "min-layer", "every", "kv", "defer-limit");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    int layers = context.model().layers();
    BitSet exits = new BitSet();
    if (spec.has("layers")) {
      for (int layer : spec.layers("layers", layers - 1)) {
        exits.set(layer);
      }
    } else {
      int every = spec.integer("every", Math.max(1, layers / 6), 1, layers);
      int first = spec.integer("min-layer", Math.max(1, layers / 3), 1, layers);
      for (int layer = first; layer < layers; layer += every) {
        exits.set(layer);
      }
    }
    exits.clear(0);
    float[] thresholds = new float[layers + 1];
    Arrays.fill(thresholds, (float) spec.number("threshold", 0.9, 0, 2));
    EarlyExit exit =
        new EarlyExit(
            exits,
            confidence(spec),
            thresholds,
            null,
            EarlyExit.ExitHead.PLAIN,
            keysValues(spec),
            false);
    return Depth.of(DepthPolicy.named(spec.toString()).with(exit), context);
  }

  private static Confidence confidence(PolicySpec spec) {
    String measure = spec.text("confidence", "top1");
    return switch (measure) {
      case "top1" -> new Confidence.Top1();
      case "margin" -> new Confidence.Margin();
      default -> throw spec.bad("confidence", measure, "top1 or margin", null);
    };
  }

  private static EarlyExit.KeysValues keysValues(PolicySpec spec) {
    String rule = spec.text("kv", "project");
    return switch (rule) {
      case "project" -> EarlyExit.KeysValues.PROJECT;
      case "defer" ->
          new EarlyExit.KeysValues(true, spec.integer("defer-limit", DEFERRED, 1, 4096));
      default -> throw spec.bad("kv", rule, "project or defer", null);
    };
  }
}
