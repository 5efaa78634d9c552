package dev.nightjar.engine.depth;

import java.util.Set;

/** {@code skipgpt}: trained routers for attention and feed-forward. */
final class SublayerRouterFactory implements PolicyFactory {
  @Override
  public String name() {
    return "skipgpt";
  }

  @Override
  public Set<String> options() {
    return Set.of("artefact", "budget", "threshold");
  }

  @Override
  public Depth create(PolicySpec spec, PolicyContext context) {
    try (DepthArtefact artefact = context.open(spec, "skipgpt")) {
      int layers = context.model().layers();
      int h = artefact.integer("router_hidden_size", 0, 65_536);
      int first = artefact.integer("first_gated_layer", 0, layers);
      int reserved = artefact.integer("reserved_positions", 0, 1024);
      SublayerRouters.Pair[] routers = new SublayerRouters.Pair[layers];
      for (int layer = first; layer < layers; layer++) {
        String prefix = "layers." + layer + ".";
        routers[layer] =
            new SublayerRouters.Pair(
                router(context, artefact, prefix + "attention_router.", h),
                router(context, artefact, prefix + "feed_forward_router.", h));
      }
      SublayerRouters gate =
          new SublayerRouters(
              context.kernels(), routers, reserved, context.threshold(spec, artefact));
      return new Depth(
          DepthPolicy.named(spec.toString()).with(gate).projecting(), context.updates(artefact));
    }
  }

  private static SublayerRouters.Router router(
      PolicyContext context, DepthArtefact artefact, String prefix, int h) {
    int d = context.model().hiddenSize();
    if (h == 0) {
      return new SublayerRouters.Router(Linear.of(context, artefact, prefix + "0.", 2, d), null);
    }
    return new SublayerRouters.Router(
        Linear.of(context, artefact, prefix + "0.", h, d),
        Linear.of(context, artefact, prefix + "1.", 2, h));
  }
}
