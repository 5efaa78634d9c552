package dev.nightjar.engine.depth;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.Set;

/** {@code drllm}: trained routers that choose a row's path of layers. */
final class PathRouterFactory implements PolicyFactory {
  @Override
  public String name() {
    return "drllm";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "repeat", "bias");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "drllm")) {
      int layers = context.model().layers();
      int d = context.model().hiddenSize();
      int h = artefact.integer("router_hidden_size", 1, 65_536);
      PathRouters.Router[] routers = new PathRouters.Router[layers];
      int found = 0;
      for (int layer = 0; layer < layers; layer++) {
        String prefix = "layers." + layer + ".router.";
        if (artefact.floatsIfPresent(prefix + "0.weight", h, d).isPresent()) {
          found++;
          routers[layer] =
              new PathRouters.Router(
                  Linear.of(context, artefact, prefix + "0.", h, d),
                  Linear.of(context, artefact, prefix + "1.", 3, h));
        }
      }
      if (found == 0) {
        throw new EngineException(
            ErrorCode.INVALID_DEPTH,
            "depth \""
                + spec
                + "\": the artefact has no routers; expected tensors named"
                + " layers.<layer>.router.0.weight for at least one of the model's layers");
      }
      PathRouters.Bias bias =
          spec.has("bias")
              ? PathRouters.Bias.of(spec.number("bias", 0, -1, 1))
              : PathRouters.Bias.NONE;
      PathRouters planner =
          new PathRouters(context.kernels(), routers, d, spec.flag("repeat", true), bias);
      return Depth.of(DepthPolicy.named(spec.toString()).with(planner), context);
    }
  }
}
