package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.format.SafetensorsWriter;
import dev.nightjar.job.Digests;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A depth artefact before it is written. The same draft gives the same bytes.
 *
 * @param policy the policy that reads it
 * @param fields what {@code depth.json} holds beside the keys that all artefacts have
 * @param tensors of {@code depth.safetensors}, in file order; no file when empty
 */
record ArtefactDraft(String policy, ObjectNode fields, Map<String, Tensor> tensors) {
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * A tensor.
   *
   * @param shape outermost first
   * @param values row-major
   */
  record Tensor(long[] shape, float[] values) {}

  ArtefactDraft {
    tensors = new LinkedHashMap<>(tensors);
  }

  /** A draft without tensors. */
  static ArtefactDraft of(String policy, ObjectNode fields) {
    return new ArtefactDraft(policy, fields, Map.of());
  }

  /** An empty JSON object. */
  static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  /** The same draft with one more field. */
  ArtefactDraft with(String key, ObjectNode value) {
    ObjectNode copy = fields.deepCopy();
    copy.set(key, value);
    return new ArtefactDraft(policy, copy, tensors);
  }

  /** The whole {@code depth.json}. */
  String json(ModelFacts model) {
    ObjectNode all = object();
    all.put("version", 1);
    all.put("policy", policy);
    all.put("num_layers", model.layers());
    all.put("hidden_size", model.hiddenSize());
    all.put("model_sha256", model.sha256());
    all.setAll(fields);
    DefaultIndenter indenter = new DefaultIndenter("  ", "\n");
    DefaultPrettyPrinter printer = new DefaultPrettyPrinter();
    printer.indentObjectsWith(indenter);
    try {
      return JSON.writer(printer).writeValueAsString(all) + "\n";
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /**
   * Writes the artefact; {@code depth.json} comes last and at once, so that a folder with one is
   * complete.
   */
  void write(Path folder, ModelFacts model) throws IOException {
    Files.createDirectories(folder);
    Path description = folder.resolve("depth.json");
    Path tensorFile = folder.resolve("depth.safetensors");
    Files.deleteIfExists(description);
    Files.deleteIfExists(tensorFile);
    if (!tensors.isEmpty()) {
      SafetensorsWriter writer = new SafetensorsWriter();
      tensors.forEach((name, tensor) -> writer.add(name, tensor.shape(), tensor.values()));
      writer.write(tensorFile);
    }
    Path part = folder.resolve("depth.json.part");
    Files.write(part, json(model).getBytes(StandardCharsets.UTF_8));
    Files.move(part, description, StandardCopyOption.REPLACE_EXISTING);
  }

  /** A name for this content: the same draft has the same, another draft another. */
  String contentName(ModelFacts model) {
    StringBuilder tensorHashes = new StringBuilder();
    tensors.forEach((name, tensor) -> tensorHashes.append(name).append(digest(tensor.values())));
    String hash = CorpusSample.hash(json(model), tensorHashes.toString());
    return policy + "-" + hash.substring(0, 16);
  }

  private static String digest(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES);
    bytes.asFloatBuffer().put(values);
    return Digests.sha256(bytes.array());
  }
}
