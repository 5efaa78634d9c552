package dev.nightjar.engine.depth;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.format.SafetensorsFile;
import dev.nightjar.engine.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * A depth artefact: a folder with {@code depth.json} (policy, shapes, thresholds, the model it
 * belongs to, evidence) and, where the policy needs any, {@code depth.safetensors} (routers,
 * low-rank updates, maps).
 */
public final class DepthArtefact implements AutoCloseable {
  private static final long MAX_DESCRIPTION_BYTES = 4 << 20;

  private final Path folder;
  private final JsonNode description;
  private final SafetensorsFile tensors;

  private DepthArtefact(Path folder, JsonNode description, SafetensorsFile tensors) {
    this.folder = folder;
    this.description = description;
    this.tensors = tensors;
  }

  /** Opens an artefact and checks that it belongs to the model described by the arguments. */
  public static DepthArtefact open(
      Path folder, String policy, int layers, int hiddenSize, String weightsSha256) {
    Path file = folder.resolve("depth.json");
    JsonNode json = readDescription(file);
    DepthArtefact artefact = new DepthArtefact(folder, json, tensorsOf(folder));
    try {
      artefact.expect("version", json.path("version").asText(), "1");
      artefact.expect("policy", json.path("policy").asText(), policy);
      artefact.expect("num_layers", json.path("num_layers").asText(), Integer.toString(layers));
      artefact.expect(
          "hidden_size", json.path("hidden_size").asText(), Integer.toString(hiddenSize));
      String wanted = json.path("model_sha256").asText();
      if (!wanted.equals(weightsSha256)) {
        throw new EngineException(
            ErrorCode.INVALID_DEPTH,
            file
                + ": this artefact was made for a model with SHA-256 "
                + wanted
                + ", but the model given has "
                + weightsSha256
                + "; use the model it was made for, or make an artefact for this one");
      }
      return artefact;
    } catch (EngineException e) {
      artefact.close();
      throw e;
    }
  }

  /** The tensors, or null for a policy that has none. */
  private static SafetensorsFile tensorsOf(Path folder) {
    Path file = folder.resolve("depth.safetensors");
    return Files.exists(file) ? SafetensorsFile.open(file) : null;
  }

  private static JsonNode readDescription(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new EngineException(
            ErrorCode.INVALID_DEPTH,
            file
                + " does not exist; expected a depth artefact folder with depth.json and"
                + " depth.safetensors");
      }
      if (Files.size(file) > MAX_DESCRIPTION_BYTES) {
        throw new EngineException(
            ErrorCode.INVALID_DEPTH,
            file
                + " has "
                + Files.size(file)
                + " bytes, expected at most "
                + MAX_DESCRIPTION_BYTES);
      }
      return new ObjectMapper().readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH, file + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH, file + " cannot be read: " + e.getMessage(), e);
    }
  }

  /** The {@code depth.json} of a folder, whatever policy and model it is for. */
  static JsonNode describe(Path folder) {
    return readDescription(folder.resolve("depth.json"));
  }

  private void expect(String key, String found, String expected) {
    if (!found.equals(expected)) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          folder.resolve("depth.json")
              + ": "
              + key
              + " is \""
              + found
              + "\", expected \""
              + expected
              + "\"");
    }
  }

  /** The parsed {@code depth.json}. */
  public JsonNode description() {
    return description;
  }

  /** A required integer of {@code depth.json} in a range. */
  int integer(String key, int min, int max) {
    JsonNode node = description.path(key);
    if (!node.isInt() || node.asInt() < min || node.asInt() > max) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          folder.resolve("depth.json")
              + ": "
              + key
              + " is "
              + node
              + ", expected an integer in ["
              + min
              + ", "
              + max
              + "]");
    }
    return node.asInt();
  }

  /** A required finite number of {@code depth.json}. */
  double number(JsonNode node, String key) {
    if (!node.isNumber() || !Double.isFinite(node.asDouble())) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          folder.resolve("depth.json") + ": " + key + " is " + node + ", expected a number");
    }
    return node.asDouble();
  }

  /** A required number of {@code depth.json} in a range. */
  double number(String key, double min, double max) {
    return number(description.path(key), key, min, max);
  }

  /** A required array of numbers of {@code depth.json}, each in a range, as fp32. */
  float[] numbers(String key, int count, double min, double max) {
    JsonNode array = description.path(key);
    if (!array.isArray() || array.size() != count) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          folder.resolve("depth.json")
              + ": "
              + key
              + (array.isArray() ? " has " + array.size() + " entries" : " is no array")
              + ", expected an array of "
              + count
              + " numbers");
    }
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) number(array.path(i), key + "[" + i + "]", min, max);
    }
    return numbers;
  }

  private double number(JsonNode node, String key, double min, double max) {
    double found = number(node, key);
    if (found < min || found > max) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          folder.resolve("depth.json")
              + ": "
              + key
              + " is "
              + found
              + ", expected a number in ["
              + min
              + ", "
              + max
              + "]");
    }
    return found;
  }

  /** A required tensor of this shape, as fp32 in row-major order. */
  float[] floats(String name, int... shape) {
    return floatsIfPresent(name, shape)
        .orElseThrow(() ->
            new EngineException(
                ErrorCode.INVALID_DEPTH,
                folder.resolve("depth.safetensors") + ": tensor \"" + name + "\" is missing"));
  }

  /** The same for an optional tensor. */
  Optional<float[]> floatsIfPresent(String name, int... shape) {
    Optional<Tensor> found = tensors == null ? Optional.empty() : tensors.find(name);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    Tensor tensor = found.get();
    long[] expected = Arrays.stream(shape).asLongStream().toArray();
    if (!Arrays.equals(tensor.shape(), expected)) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          folder.resolve("depth.safetensors")
              + ": tensor \""
              + name
              + "\" has shape "
              + Arrays.toString(tensor.shape())
              + ", expected "
              + Arrays.toString(expected));
    }
    float[] out = new float[Math.toIntExact(tensor.elements())];
    for (int row = 0; row < tensor.rows(); row++) {
      tensor.readRow(row, out, row * tensor.columns());
    }
    for (float value : out) {
      if (!Float.isFinite(value)) {
        throw new EngineException(
            ErrorCode.INVALID_DEPTH,
            folder.resolve("depth.safetensors")
                + ": tensor \""
                + name
                + "\" contains "
                + value
                + ", expected finite numbers");
      }
    }
    return Optional.of(out);
  }

  @Override
  public void close() {
    if (tensors != null) {
      tensors.close();
    }
  }
}
