package dev.nightjar.engine.format;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.tensor.Tensor;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A model folder as Hugging Face publishes them: {@code config.json}, optional tokenizer and
 * generation descriptions, and weights in {@code model.safetensors} or in the shards that {@code
 * model.safetensors.index.json} lists. The same in one GGUF file, which has the descriptions among
 * its metadata and the tensors under their Hugging Face names, so that they may be quantised;
 * {@link #addDescriptions} makes it. Immutable and safe for concurrent reads until closed. JSON
 * files are parsed anew by every call; keep what is needed more than once.
 */
public final class HuggingFaceFolder implements ModelFile {
  /** Name of the file with all weights. */
  public static final String WEIGHTS = "model.safetensors";

  /** Name of the file that lists the shards. */
  public static final String INDEX = "model.safetensors.index.json";

  /** The architecture of GGUF files that are a folder. */
  private static final String PACKED = "huggingface";

  /** Names of the descriptions in such a file begin with this. */
  private static final String PACKED_PREFIX = PACKED + ".";

  private static final List<String> DESCRIPTIONS =
      List.of(
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja");

  private static final int MAX_JSON_BYTES = 16 << 20;
  private static final int MAX_INDEX_BYTES = 64 << 20;
  private static final int MAX_TOKENIZER_BYTES = 256 << 20;
  private static final int MAX_SHARDS = 4096;

  private final Path folder;

  /** The file that stands for the folder, or null. */
  private final GgufFile packed;

  private final JsonNode config;
  private final Map<String, SafetensorsFile> shards = new LinkedHashMap<>();

  /** Shard of each tensor, or null when there is one file without an index. */
  private Map<String, SafetensorsFile> shardOfTensor;

  private HuggingFaceFolder(Path folder, GgufFile packed) {
    this.folder = folder;
    this.packed = packed;
    this.config =
        json("config.json")
            .orElseThrow(() ->
                invalid(folder + " has no config.json, expected a model folder; check the path"));
  }

  /** Opens the folder and maps its weights; faults are {@code INVALID_MODEL} errors. */
  public static HuggingFaceFolder open(Path folder) {
    HuggingFaceFolder opened = new HuggingFaceFolder(folder, null);
    boolean valid = false;
    try {
      opened.openWeights();
      valid = true;
      return opened;
    } finally {
      if (!valid) {
        opened.close();
      }
    }
  }

  /** Whether a GGUF file is a folder in one file. */
  public static boolean isIn(GgufFile file) {
    return file.metadata().findString("general.architecture").orElse("").equals(PACKED);
  }

  /** The folder in a GGUF file, which is closed with it. */
  public static HuggingFaceFolder of(GgufFile file) {
    return new HuggingFaceFolder(file.path(), file);
  }

  /** Adds what makes a GGUF file of these tensors a folder. */
  public void addDescriptions(GgufWriter writer) {
    writer.put("general.architecture", PACKED);
    for (String name : DESCRIPTIONS) {
      bytes(name).ifPresent(content -> writer.put(PACKED_PREFIX + name, content));
    }
  }

  @Override
  public Path path() {
    return folder;
  }

  /** The content of {@code config.json}. */
  public JsonNode config() {
    return config;
  }

  /** The content of {@code generation_config.json}. */
  public Optional<JsonNode> generationConfig() {
    return json("generation_config.json");
  }

  /**
   * The content of {@code tokenizer.json}; may be large. Faults are {@code INVALID_TOKENIZER}
   * errors.
   */
  public Optional<JsonNode> tokenizer() {
    return json("tokenizer.json");
  }

  /** The content of {@code tokenizer_config.json}. Faults are {@code INVALID_TOKENIZER} errors. */
  public Optional<JsonNode> tokenizerConfig() {
    return json("tokenizer_config.json");
  }

  /**
   * The default chat template: {@code chat_template.jinja}, else {@code chat_template} of {@code
   * tokenizer_config.json} (a string, or the entry called {@code default} of a list of named
   * templates).
   */
  public Optional<String> chatTemplate() {
    Optional<byte[]> file = bytes("chat_template.jinja");
    if (file.isPresent()) {
      return Optional.of(new String(file.get(), StandardCharsets.UTF_8));
    }
    JsonNode template = tokenizerConfig().map(node -> node.path("chat_template")).orElse(null);
    if (template == null) {
      return Optional.empty();
    }
    if (template.isArray()) {
      for (JsonNode named : template) {
        if ("default".equals(named.path("name").asText()) && named.path("template").isTextual()) {
          return Optional.of(named.path("template").textValue());
        }
      }
    }
    return template.isTextual() ? Optional.of(template.textValue()) : Optional.empty();
  }

  /**
   * The parsed JSON object in the file of this plain name in the folder, if there is such a file.
   */
  public Optional<JsonNode> json(String fileName) {
    return bytes(fileName).map(content -> JsonFiles.parse(content, fileName, codeOf(fileName)));
  }

  /** The bytes of the (small) file of this plain name in the folder, if there is such a file. */
  public Optional<byte[]> bytes(String fileName) {
    int limit =
        switch (fileName) {
          case "tokenizer.json" -> MAX_TOKENIZER_BYTES;
          case INDEX -> MAX_INDEX_BYTES;
          default -> MAX_JSON_BYTES;
        };
    if (packed != null) {
      return packed.metadata().bytes(PACKED_PREFIX + fileName, limit);
    }
    Path file = folder.resolve(fileName);
    if (!Files.isRegularFile(file)) {
      return Optional.empty();
    }
    return Optional.of(JsonFiles.read(file, limit, codeOf(fileName)));
  }

  /** Names of the files with weights in use. */
  public List<String> weightFiles() {
    return weightPaths().stream().map(path -> path.getFileName().toString()).toList();
  }

  /** The files with weights in use. */
  public List<Path> weightPaths() {
    return packed == null ? shards.keySet().stream().map(folder::resolve).toList() : packed.paths();
  }

  /** Name of the file the tensor is in, for messages. */
  public String fileOf(String tensor) {
    if (packed != null) {
      return folder.getFileName().toString();
    }
    if (shardOfTensor == null) {
      return WEIGHTS;
    }
    SafetensorsFile shard = shardOfTensor.get(tensor);
    return shard == null ? INDEX : shard.path().getFileName().toString();
  }

  @Override
  public Optional<Tensor> find(String name) {
    if (packed != null) {
      return packed.find(name);
    }
    if (shardOfTensor == null) {
      return shards.get(WEIGHTS).find(name);
    }
    SafetensorsFile shard = shardOfTensor.get(name);
    return shard == null ? Optional.empty() : shard.find(name);
  }

  @Override
  public Collection<Tensor> all() {
    if (packed != null) {
      return packed.all();
    }
    List<Tensor> all = new ArrayList<>();
    for (SafetensorsFile shard : shards.values()) {
      for (Tensor tensor : shard.all()) {
        if (isListed(tensor.name(), shard)) {
          all.add(tensor);
        }
      }
    }
    return all;
  }

  @Override
  public Collection<UnsupportedTensor> unsupported() {
    if (packed != null) {
      return packed.unsupported();
    }
    List<UnsupportedTensor> all = new ArrayList<>();
    for (SafetensorsFile shard : shards.values()) {
      for (UnsupportedTensor tensor : shard.unsupported()) {
        if (isListed(tensor.name(), shard)) {
          all.add(tensor);
        }
      }
    }
    return all;
  }

  @Override
  public void close() {
    if (packed != null) {
      packed.close();
    }
    for (SafetensorsFile shard : shards.values()) {
      shard.close();
    }
  }

  private boolean isListed(String tensor, SafetensorsFile shard) {
    return shardOfTensor == null || shardOfTensor.get(tensor) == shard;
  }

  private void openWeights() {
    Path single = folder.resolve(WEIGHTS);
    if (Files.isRegularFile(single)) {
      shards.put(WEIGHTS, SafetensorsFile.open(single));
      return;
    }
    JsonNode index =
        json(INDEX)
            .orElseThrow(() ->
                invalid(
                    "%s has neither %s nor %s; download the model's safetensors files"
                        .formatted(folder, WEIGHTS, INDEX)));
    JsonNode weightMap = index.path("weight_map");
    if (!weightMap.isObject() || weightMap.isEmpty()) {
      throw invalid(
          INDEX
              + ": weight_map is missing or empty, expected tensor names with their shards;"
              + " download it again");
    }
    shardOfTensor = LinkedHashMap.newLinkedHashMap(weightMap.size());
    for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
      SafetensorsFile shard = shard(entry.getValue());
      if (!shard.contains(entry.getKey())) {
        throw invalid(
            "%s: tensor \"%s\" is missing, but %s says it is there; download the shard again"
                .formatted(shard.path().getFileName(), Excerpt.of(entry.getKey()), INDEX));
      }
      shardOfTensor.put(entry.getKey(), shard);
    }
  }

  private SafetensorsFile shard(JsonNode nameNode) {
    String name = nameNode.isTextual() ? nameNode.textValue() : "";
    SafetensorsFile open = shards.get(name);
    if (open != null) {
      return open;
    }
    if (!name.endsWith(".safetensors") || name.indexOf('/') >= 0 || name.indexOf('\\') >= 0) {
      throw invalid(
          "%s: the shard name %s is not allowed, expected a plain file name ending in .safetensors;"
                  .formatted(INDEX, Excerpt.of(nameNode.toString()))
              + " re-export the model");
    }
    if (shards.size() == MAX_SHARDS) {
      throw invalid(
          INDEX
              + ": lists more than "
              + MAX_SHARDS
              + " shards; re-export the model with larger ones");
    }
    try {
      SafetensorsFile opened = SafetensorsFile.open(folder.resolve(name));
      shards.put(name, opened);
      return opened;
    } catch (InvalidPathException e) {
      throw new EngineException(
          ErrorCode.INVALID_MODEL,
          INDEX
              + ": the shard name "
              + Excerpt.of(nameNode.toString())
              + " is not a file name; re-export the model",
          e);
    }
  }

  private static ErrorCode codeOf(String fileName) {
    return fileName.startsWith("tokenizer") || fileName.startsWith("chat_template")
        ? ErrorCode.INVALID_TOKENIZER
        : ErrorCode.INVALID_MODEL;
  }

  private static EngineException invalid(String message) {
    return new EngineException(ErrorCode.INVALID_MODEL, message);
  }
}
