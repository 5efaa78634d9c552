package dev.nightjar.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.EmbeddedModel;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.MemoryPlan;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.format.ModelFile;
import dev.nightjar.engine.format.UnsupportedTensor;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.ModelFiles;
import dev.nightjar.engine.model.OpenModel;
import dev.nightjar.engine.tensor.Tensor;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import dev.nightjar.engine.tokenizer.Tokenizers;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code nightjar inspect}: what a model is, what it needs, and which depth artefacts lie beside
 * it.
 */
@Command(
    name = "inspect",
    description = "Shows a model's architecture, tensors, memory need and depth artefacts.",
    mixinStandardHelpOptions = true)
final class InspectCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Parameters(
      paramLabel = "MODEL",
      defaultValue = EmbeddedModel.NAME,
      description = "GGUF file, Hugging Face folder, or 'embedded'.")
  private String model;

  @Option(
      names = "--batch-size",
      defaultValue = "32",
      description = "Rows in flight to work out the memory for (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--context",
      defaultValue = "0",
      description = "Positions of a row to work out the memory for (default: the whole context).")
  private int context;

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Option(names = "--tensors", description = "List every tensor.")
  private boolean tensors;

  @Override
  public Integer call() throws JsonProcessingException {
    Path path = EmbeddedModel.resolve(model);
    ObjectNode node = JSON.createObjectNode();
    boolean runs;
    try (ModelFile file = ModelFiles.openFile(path)) {
      node.put("model", ModelFiles.nameOf(file.path()));
      node.put("path", path.toString());
      runs = describeModel(path, file, node);
      describeTensors(file, node);
    }
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    if (json) {
      out.println(JSON.writeValueAsString(node));
    } else {
      table("", node, out);
    }
    return runs ? RunCommand.OK : RunCommand.FAILED;
  }

  /** Whether the model runs, and then what it is and needs. */
  private boolean describeModel(Path path, ModelFile file, ObjectNode node) {
    EngineConfig options = EngineConfig.DEFAULT.withMaxBatch(batchSize);
    try {
      LlmEngine.check(path, options);
    } catch (EngineException e) {
      node.put("architecture", architecture(file));
      node.put("runs", false);
      node.put("reason", e.getMessage());
      return false;
    }
    try (OpenModel opened = ModelFiles.open(path)) {
      describeConfig(opened, node);
    }
    MemoryPlan plan = MemoryPlan.of(path, options, context);
    PromptEncoder encoder = Tokenizers.promptEncoder(file);
    node.put("tokenizer_tokens", encoder.tokenizer().vocabSize());
    node.put("chat_template", encoder.chatTemplate().isPresent());
    node.put("weight_bytes", plan.mappedWeightBytes() + plan.ownWeightBytes());
    node.put("kv_bytes_per_row", plan.kvBytesPerRow());
    node.put("kv_bytes_per_task", plan.kvBytesPerTask());
    node.put("memory", memory(plan));
    node.put("kernels", LlmEngine.kernels());
    node.set("depth_artefacts", artefacts(path, options));
    return true;
  }

  /** What a file that does not run says that it is. */
  private static String architecture(ModelFile file) {
    return switch (file) {
      case GgufFile gguf -> gguf.metadata().findString("general.architecture").orElse("unknown");
      case HuggingFaceFolder folder -> folder.config().path("model_type").asText("unknown");
    };
  }

  private static void describeConfig(OpenModel opened, ObjectNode node) {
    ModelConfig config = opened.weights().config();
    node.put("architecture", config.architecture());
    node.put("runs", true);
    node.put("fingerprint", opened.fingerprint());
    node.put("num_hidden_layers", config.numLayers());
    node.put("hidden_size", config.hiddenSize());
    node.put("num_attention_heads", config.numHeads());
    node.put("num_key_value_heads", config.numKvHeads());
    node.put("head_dim", config.headDim());
    node.put("intermediate_size", config.intermediateSize());
    node.put("vocab_size", config.vocabSize());
    node.put("max_position_embeddings", config.contextLength());
    node.put("tie_word_embeddings", config.tiedEmbeddings());
    node.put("rope", config.rope().toString());
  }

  private void describeTensors(ModelFile file, ObjectNode node) {
    long parameters = 0;
    Map<String, long[]> types = new TreeMap<>();
    for (Tensor tensor : file.all()) {
      long[] sums = types.computeIfAbsent(tensor.dtype().name(), _ -> new long[3]);
      sums[0]++;
      sums[1] += tensor.elements();
      sums[2] += tensor.data().byteSize();
      parameters += tensor.elements();
    }
    node.put("parameters", parameters);
    ArrayNode list = node.putArray("tensor_types");
    types.forEach((type, sums) ->
        list.addObject()
            .put("type", type)
            .put("tensors", sums[0])
            .put("parameters", sums[1])
            .put("bytes", sums[2]));
    ArrayNode unsupported = node.putArray("unsupported_tensors");
    for (UnsupportedTensor tensor : file.unsupported()) {
      unsupported.add(
          "%s %s%s: %s"
              .formatted(
                  tensor.name(), tensor.type(), Arrays.toString(tensor.shape()), tensor.reason()));
    }
    if (tensors) {
      ArrayNode names = node.putArray("tensors");
      file.all().forEach(tensor -> names.add(tensor.toString()));
    }
  }

  /** One line: what an executor with one task needs. */
  private static String memory(MemoryPlan plan) {
    return String.format(
        Locale.ROOT,
        "at batch %d, context %d: weights %s per host, and per task keys and values %s,"
            + " activations %s",
        plan.rowsPerTask(),
        plan.positions(),
        megabytes(plan.mappedWeightBytes() + plan.ownWeightBytes()),
        megabytes(plan.kvBytesPerTask()),
        megabytes(plan.activationBytesPerTask()));
  }

  private static String megabytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MB", bytes / 1e6);
  }

  /** Artefacts beside the model, each with whether it fits this model. */
  private static ArrayNode artefacts(Path path, EngineConfig options) {
    ArrayNode out = JSON.createArrayNode();
    Path folder =
        (Files.isDirectory(path) ? path : path.toAbsolutePath().getParent()).resolve("depth");
    if (!Files.isDirectory(folder)) {
      return out;
    }
    List<Path> found;
    try (Stream<Path> list = Files.list(folder)) {
      found = list.filter(p -> Files.exists(p.resolve("depth.json"))).sorted().toList();
    } catch (IOException e) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH, folder + " cannot be listed: " + e.getMessage(), e);
    }
    for (Path artefact : found) {
      ObjectNode node = out.addObject();
      String name = artefact.getFileName().toString();
      node.put("name", name);
      try {
        node.put("depth", LlmEngine.check(path, options.withDepth("auto:artefact=" + artefact)));
        node.put("fits", true);
      } catch (EngineException e) {
        node.put("fits", false);
        node.put("reason", e.getMessage());
      }
    }
    return out;
  }

  private static String text(JsonNode value) {
    return value.isValueNode() ? value.asText() : value.toString();
  }

  private static void table(String indent, ObjectNode node, PrintStream out) {
    node.properties()
        .forEach(entry -> {
          if (entry.getValue().isArray() && !entry.getValue().isEmpty()) {
            out.println(indent + entry.getKey());
            entry.getValue().forEach(item -> out.println(indent + "  " + item));
          } else {
            out.printf("%s%-34s %s%n", indent, entry.getKey(), text(entry.getValue()));
          }
        });
  }
}
