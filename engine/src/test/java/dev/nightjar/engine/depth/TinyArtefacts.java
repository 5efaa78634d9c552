package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.format.SafetensorsWriter;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;

/** Depth artefacts of a small model, one folder per policy in {@code folder}. */
public final class TinyArtefacts {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Path folder;
  private final ModelConfig config;

  public TinyArtefacts(Path folder, ModelConfig config) {
    this.folder = folder;
    this.config = config;
  }

  /** The policy of a specification, its artefact taken from the folder. */
  public DepthPolicy policy(String spec) {
    int[] headSizes = {config.queryDim(), config.kvDim()};
    Depth.ModelFacts facts =
        new Depth.ModelFacts(
            config.numLayers(), config.hiddenSize(), headSizes, folder, () -> "sum");
    return Depth.of(DepthSpec.parse(spec), facts, Kernels.best(), Arena.ofAuto()).policy();
  }

  /** Writes {@code depth.json}: what every artefact has, and the fields of this one. */
  public void describe(String policy, String fields) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.put("version", 1).put("policy", policy).put("num_layers", config.numLayers());
    json.put("hidden_size", config.hiddenSize()).put("model_sha256", "sum");
    json.setAll((ObjectNode) JSON.readTree(fields));
    Files.createDirectories(folder.resolve(policy));
    JSON.writeValue(folder.resolve(policy).resolve("depth.json").toFile(), json);
  }

  /** Writes {@code depth.safetensors} with a map: weights {@code [rows, columns]} and a bias. */
  public void map(float[] weight, int rows, int columns, float[] bias) throws IOException {
    new SafetensorsWriter()
        .add("map.weight", new long[] {rows, columns}, weight)
        .add("map.bias", new long[] {bias.length}, bias)
        .write(folder.resolve("drop").resolve("depth.safetensors"));
  }

  /**
   * Artefacts for the tiny model of six layers. AdaSkip's four largest similarities are 0.9, 0.8,
   * 0.7 and 0.65: feed-forward 3, attention 1, attention 3, feed-forward 4.
   */
  public TinyArtefacts writeAll() throws IOException {
    describe(
        "adaskip",
        """
        {"attention_similarity": [0.1, 0.8, 0.3, 0.7, 0.2, 0.4],
         "feed_forward_similarity": [0.2, 0.6, 0.5, 0.9, 0.65, 0.1],
         "attention_ratio": [1.5, 1.25, 1.1, 0.9, 1.2, 1.3],
         "feed_forward_ratio": [2, 1.4, 1.3, 1.2, 0.8, 1.1]}
        """);
    describe(
        "ffnskip",
        """
        {"similarity_threshold": 0.8, "first_layer": 1, "last_layer": 4, "budget": 2,
         "warm_up": 4}
        """);
    describe("drop", "{\"first\": 2, \"count\": 3}");
    int d = config.hiddenSize();
    map(weight(d), d, d, bias(d));
    return this;
  }

  /** The map's weights: the identity and some noise. */
  public static float[] weight(int d) {
    Random random = new Random(5);
    float[] weight = new float[d * d];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (i % (d + 1) == 0 ? 1 : 0) + 0.1f * (float) random.nextGaussian();
    }
    return weight;
  }

  /** The map's bias. */
  public static float[] bias(int d) {
    Random random = new Random(6);
    float[] bias = new float[d];
    for (int i = 0; i < d; i++) {
      bias[i] = (float) random.nextGaussian();
    }
    return bias;
  }
}
