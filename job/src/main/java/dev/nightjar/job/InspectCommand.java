package dev.nightjar.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.EmbeddedModel;
import dev.nightjar.engine.EngineInfo;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.MemoryPlan;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.tensor.Tensor;
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

  @Option(names = "--json", description = "Print one JSON object.")
  private boolean json;

  @Option(names = "--tensors", description = "List every tensor.")
  private boolean tensors;

  @Override
  public Integer call() throws JsonProcessingException {
    Path path = EmbeddedModel.resolve(model);
    try (LlmEngine engine = LlmEngine.load(path, EngineConfig.DEFAULT)) {
      ObjectNode node = describe(path, engine);
      PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
      if (json) {
        out.println(JSON.writeValueAsString(node));
      } else {
        table("", node, out);
      }
      return 0;
    }
  }

  private ObjectNode describe(Path path, LlmEngine engine) {
    EngineInfo info = engine.info();
    ModelConfig config = engine.modelConfig();
    MemoryPlan plan = engine.memoryPlan(config.contextLength());
    ObjectNode node = JSON.createObjectNode();
    node.put("model", info.model());
    node.put("path", path.toString());
    node.put("fingerprint", info.modelFingerprint());
    node.put("architecture", config.architecture());
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
    node.put("tokenizer_tokens", engine.encoder().tokenizer().vocabSize());
    node.put("chat_template", engine.encoder().chatTemplate().isPresent());
    node.set("quantisation", JSON.valueToTree(elementsByType(engine)));
    node.put("parameters", engine.tensors().stream().mapToLong(Tensor::elements).sum());
    node.put("weight_bytes", info.weightBytes());
    node.put("kv_bytes_per_token", info.kvBytesPerToken());
    node.put("kv_bytes_batch_32_full_context", plan.kvBytesPerTask());
    node.put("memory", memory(plan));
    node.put("kernels", info.kernels());
    node.set("depth_artefacts", artefacts(path, engine));
    if (tensors) {
      ArrayNode list = node.putArray("tensors");
      for (Tensor tensor : engine.tensors()) {
        list.add(tensor.name() + " " + tensor.dtype() + " " + Arrays.toString(tensor.shape()));
      }
    }
    return node;
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

  private static Map<String, Long> elementsByType(LlmEngine engine) {
    Map<String, Long> out = new TreeMap<>();
    for (Tensor tensor : engine.tensors()) {
      out.merge(tensor.dtype().name(), tensor.elements(), Long::sum);
    }
    return out;
  }

  /** Artefacts beside the model, each with whether it fits this model. */
  private static ArrayNode artefacts(Path path, LlmEngine engine) {
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
        node.put("depth", engine.checkDepth("auto:artefact=" + artefact));
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
