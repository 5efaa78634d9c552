package dev.nightjar.engine.depth;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.format.SafetensorsWriter;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/** A depth artefact for a test's model: write it, load it. */
public final class ArtefactFolder {
  private static final ObjectMapper JSON = new ObjectMapper();

  private record Values(long[] shape, float[] values) {}

  private final Path folder;
  private final ObjectNode description = JSON.createObjectNode();
  private final Map<String, Values> tensors = new LinkedHashMap<>();

  /** An artefact with the keys that all have. */
  public ArtefactFolder(Path folder, String policy, ModelConfig config) {
    this.folder = folder;
    with("version", 1).with("policy", policy).with("model_sha256", "00");
    with("num_layers", config.numLayers()).with("hidden_size", config.hiddenSize());
  }

  /** Sets a key of {@code depth.json}. */
  public ArtefactFolder with(String key, Object value) {
    description.set(key, JSON.valueToTree(value));
    return this;
  }

  /** Sets a tensor. */
  public ArtefactFolder tensor(String name, float[] values, long... shape) {
    tensors.put(name, new Values(shape, values));
    return this;
  }

  /** Sets a tensor of seeded Gaussian values. */
  public ArtefactFolder random(Random random, double scale, String name, int... shape) {
    int count = 1;
    long[] dimensions = new long[shape.length];
    for (int i = 0; i < shape.length; i++) {
      count *= shape[i];
      dimensions[i] = shape[i];
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return tensor(name, values, dimensions);
  }

  /** Leaves a tensor out. */
  public ArtefactFolder without(String tensor) {
    tensors.remove(tensor);
    return this;
  }

  /** Writes the folder; returns {@code policy:artefact=folder}. */
  public String write() {
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.forEach((name, tensor) -> writer.add(name, tensor.shape(), tensor.values()));
    try {
      Files.createDirectories(folder);
      Files.write(folder.resolve("depth.json"), JSON.writeValueAsBytes(description));
      writer.write(folder.resolve("depth.safetensors"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return description.path("policy").asText() + ":artefact=" + folder;
  }

  /** The policy of a specification for a model whose weights have the digest "00". */
  public static DepthPolicy load(String spec, ModelConfig config, Kernels kernels) {
    int[] heads = {config.queryDim(), config.kvDim()};
    Depth.ModelFacts facts =
        new Depth.ModelFacts(
            config.numLayers(), config.hiddenSize(), heads, Path.of("no-such-folder"), () -> "00");
    return Depth.of(DepthSpec.parse(spec), facts, kernels, Arena.ofAuto()).policy();
  }
}
