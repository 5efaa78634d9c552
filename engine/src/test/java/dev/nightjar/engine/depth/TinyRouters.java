package dev.nightjar.engine.depth;

import dev.nightjar.engine.model.ModelConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** Artefacts of seeded random routers for the tiny model; about half of the decisions skip. */
public final class TinyRouters {
  private static final Map<String, Double> THRESHOLDS = Map.of("default", 0.0, "0.80", 2.5);

  private TinyRouters() {}

  /**
   * {@code skipgpt} above the first layer.
   *
   * @param h router hidden size, 0 for one linear map
   */
  public static ArtefactFolder skipGpt(Path folder, ModelConfig config, int h) {
    Random random = new Random(5);
    int d = config.hiddenSize();
    ArtefactFolder out =
        new ArtefactFolder(folder, "skipgpt", config)
            .with("router_hidden_size", h)
            .with("first_gated_layer", 1)
            .with("reserved_positions", 2)
            .with("thresholds", THRESHOLDS);
    for (int layer = 1; layer < config.numLayers(); layer++) {
      for (String sublayer : List.of("attention", "feed_forward")) {
        String prefix = "layers." + layer + "." + sublayer + "_router.";
        out.random(random, 1, prefix + "0.weight", h == 0 ? 2 : h, d);
        out.random(random, 1, prefix + "0.bias", h == 0 ? 2 : h);
        if (h > 0) {
          out.random(random, 1, prefix + "1.weight", 2, h);
          out.random(random, 1, prefix + "1.bias", 2);
        }
      }
    }
    return out;
  }

  /** {@code gates} above the first two layers. */
  public static ArtefactFolder gates(Path folder, ModelConfig config, String kv) {
    Random random = new Random(6);
    ArtefactFolder out =
        new ArtefactFolder(folder, "gates", config)
            .with("kv", kv)
            .with("first_gated_layer", 2)
            .with("reserved_positions", 2)
            .with("thresholds", THRESHOLDS);
    for (int layer = 2; layer < config.numLayers(); layer++) {
      out.random(random, 1, "layers." + layer + ".gate.weight", 1, config.hiddenSize());
      out.random(random, 1, "layers." + layer + ".gate.bias", 1);
    }
    return out;
  }

  /** {@code drllm} above the first layer. */
  public static ArtefactFolder drLlm(Path folder, ModelConfig config) {
    Random random = new Random(9);
    int h = 12;
    ArtefactFolder out = new ArtefactFolder(folder, "drllm", config).with("router_hidden_size", h);
    for (int layer = 1; layer < config.numLayers(); layer++) {
      String prefix = "layers." + layer + ".router.";
      out.random(random, 1, prefix + "0.weight", h, config.hiddenSize());
      out.random(random, 1, prefix + "0.bias", h);
      out.random(random, 1, prefix + "1.weight", 3, h);
      out.random(random, 1, prefix + "1.bias", 3);
    }
    return out;
  }

  /** {@code rowmask} with three sets over six layers, chosen before layer 2. */
  public static ArtefactFolder rowMask(Path folder, ModelConfig config) {
    Random random = new Random(8);
    int[][] masks = {{0, 1, 5}, {0, 1, 3, 5}, {0, 1, 2, 3, 4, 5}};
    return new ArtefactFolder(folder, "rowmask", config)
        .with("probe_layer", 2)
        .with("margin", 0.25)
        .with("masks", masks)
        .random(random, 0.5, "probe.weight", 3, config.hiddenSize())
        .random(random, 0.5, "probe.bias", 3);
  }
}
