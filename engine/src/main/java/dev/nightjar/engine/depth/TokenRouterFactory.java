package dev.nightjar.engine.depth;

import java.util.Set;

/** {@code dllm}: trained routers. */
final class TokenRouterFactory implements PolicyFactory {
  @Override
  public String name() {
    return "dllm";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "budget", "threshold");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "dllm")) {
      int layers = context.model().layers();
      int d = context.model().hiddenSize();
      int h = artefact.integer("router_hidden_size", 1, 65_536);
      int first = artefact.integer("first_gated_layer", 0, layers);
      int reserved = artefact.integer("reserved_positions", 1, 1024);
      TokenRouter.Module[] modules = new TokenRouter.Module[layers];
      for (int layer = first; layer < layers; layer++) {
        String prefix = "layers." + layer + ".router.";
        modules[layer] =
            new TokenRouter.Module(
                context.matrix(artefact, prefix + "0.weight", h, d),
                artefact.floats(prefix + "0.bias", h),
                artefact.floats(prefix + "norm.weight", h),
                context.matrix(artefact, prefix + "1.weight", 2, h),
                artefact.floats(prefix + "1.bias", 2));
      }
      float eps =
          (float) artefact.number(artefact.description().path("rms_norm_eps"), "rms_norm_eps");
      TokenRouter router =
          new TokenRouter(
              context.kernels(), modules, d, reserved, context.threshold(spec, artefact), eps);
      return new Depth(DepthPolicy.named(spec.toString()).with(router), context.updates(artefact));
    }
  }
}
