package dev.nightjar.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.Explanation;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowDecoder;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code nightjar generate}: generation without Spark, for a quick look. */
@Command(
    name = "generate",
    description = "Generates text for one prompt, or for a file of prompts, without Spark.",
    mixinStandardHelpOptions = true)
final class GenerateCommand implements Callable<Integer> {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Mixin private ModelOptions model;

  /** Where prompts come from. */
  static final class Source {
    @Option(names = "--prompt", description = "The prompt.")
    private String prompt;

    @Option(
        names = "--prompts",
        description = "JSON lines with \"prompt\" or \"messages\", and optionally \"custom_id\".")
    private Path prompts;
  }

  @ArgGroup(exclusive = true, multiplicity = "1")
  private Source source;

  @ArgGroup(exclusive = false)
  private ChoiceFlags choice;

  @Option(
      names = "--raw",
      description = "Give the prompt to the tokenizer as it is, without the chat template.")
  private boolean raw;

  @Option(
      names = "--max-tokens",
      defaultValue = "256",
      description = "Most tokens to generate (default: ${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--temperature",
      defaultValue = "0",
      description = "0 is greedy (default: ${DEFAULT-VALUE}).")
  private float temperature;

  @Option(
      names = "--top-k",
      defaultValue = "0",
      description = "Keep the k most likely tokens; 0 keeps all.")
  private int topK;

  @Option(
      names = "--top-p",
      defaultValue = "1",
      description = "Keep the most likely tokens up to this probability.")
  private float topP;

  @Option(
      names = "--min-p",
      defaultValue = "0",
      description = "Drop tokens less likely than this times the most likely.")
  private float minP;

  @Option(names = "--repetition-penalty", defaultValue = "1", description = "1 is off.")
  private float repetitionPenalty;

  @Option(names = "--seed", defaultValue = "0", description = "Seed of the random stream.")
  private long seed;

  @Option(names = "--stop", description = "A string that ends the text; may be repeated.")
  private List<String> stop = new ArrayList<>();

  @Option(
      names = "--logprobs",
      defaultValue = "-1",
      description = "Alternatives to report per token; -1 is off.")
  private int logprobs;

  @Option(
      names = "--response-format",
      defaultValue = "text",
      description =
          "What the text fits: text, json-object, json-schema:{...}, columns:DDL, regex:PATTERN or"
              + " choice:[...].")
  private String responseFormat;

  @Option(
      names = "--show-depth",
      description = "Print each token with the number of layers it ran.")
  private boolean showDepth;

  @Override
  public Integer call() throws JsonProcessingException {
    Task task = task();
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    try (LlmEngine engine = model.load()) {
      if (source.prompts != null) {
        return many(engine, task, out);
      }
      Prompt prompt = PromptLines.promptOf(engine, source.prompt, raw);
      GenerationRequest request = new GenerationRequest("prompt", prompt, task);
      if (showDepth) {
        Explanation explanation = engine.explain(request);
        failOn(explanation.result());
        DepthTable.print(engine, explanation, out);
        return 0;
      }
      GenerationResult result = engine.generate(List.of(request)).getFirst();
      failOn(result);
      out.println(choice == null ? result.text() : JSON.writeValueAsString(json(result)));
      return 0;
    }
  }

  private Task task() {
    return choice == null
        ? new Task.Generate(
            new SamplingParams(
                maxTokens,
                temperature,
                topK,
                topP,
                minP,
                repetitionPenalty,
                seed,
                stop,
                logprobs,
                ConfigParsers.responseFormat(responseFormat)))
        : choice.task();
  }

  private static void failOn(GenerationResult result) {
    if (result.error() != null) {
      throw new EngineException(result.error().code(), result.error().message());
    }
  }

  /** One JSON object per line, in input order; rows that fail carry their error. */
  private int many(LlmEngine engine, Task task, PrintStream out) {
    try (BufferedReader reader = Files.newBufferedReader(source.prompts)) {
      PromptLines lines = new PromptLines(engine, reader, raw);
      RowDecoder decoder = engine.decode(new Requests(lines, task));
      while (decoder.hasNext()) {
        out.println(JSON.writeValueAsString(json(decoder.next())));
      }
      return 0;
    } catch (IOException | UncheckedIOException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          source.prompts + " cannot be read as UTF-8 JSON lines: " + e.getMessage(),
          e);
    }
  }

  private static ObjectNode json(GenerationResult result) {
    ObjectNode node = JSON.createObjectNode();
    node.put("custom_id", result.key());
    node.put("text", result.text());
    if (result.error() != null) {
      node.putObject("error")
          .put("code", result.error().code().name())
          .put("message", result.error().message());
      return node;
    }
    if (result.skippedNull()) {
      return node.put("status", "skipped_null");
    }
    node.put("finish_reason", result.finishReason().value());
    node.put("stop_reason", result.stopReason());
    node.putObject("usage")
        .put("prompt_tokens", result.usage().promptTokens())
        .put("completion_tokens", result.usage().completionTokens())
        .put("total_tokens", result.usage().totalTokens());
    node.put("cumulative_logprob", result.cumulativeLogprob());
    if (!result.logprobs().isEmpty()) {
      node.set("logprobs", JSON.valueToTree(result.logprobs()));
    }
    if (result.finding() instanceof Finding.Choice chosen) {
      node.put("label", chosen.label());
      node.set("scores", JSON.valueToTree(chosen.scores()));
    }
    node.put("mean_layers_per_token", result.compute().meanLayersPerToken());
    node.put("compute_saved", result.compute().computeSaved());
    return node;
  }

  /** Lines as requests. */
  private record Requests(PromptLines lines, Task task) implements Iterator<GenerationRequest> {
    @Override
    public boolean hasNext() {
      return lines.hasNext();
    }

    @Override
    public GenerationRequest next() {
      PromptLines.Line line = lines.next();
      return new GenerationRequest(line.key(), line.prompt(), task);
    }
  }

  /** A table of tokens and layers. */
  static final class DepthTable {
    private DepthTable() {}

    static void print(LlmEngine engine, Explanation explanation, PrintStream out) {
      List<Integer> prompt = explanation.promptTokens();
      List<Integer> generated = explanation.result().tokenIds();
      int layers = engine.info().numLayers();
      out.printf("%-6s %-24s %6s  %s%n", "pos", "token", "layers", "0 .. " + (layers - 1));
      for (int position = 0; position < explanation.slots().size(); position++) {
        int id =
            position < prompt.size()
                ? prompt.get(position)
                : generated.get(position - prompt.size());
        BitSet ran = explanation.slots().get(position);
        StringBuilder map = new StringBuilder();
        for (int layer = 0; layer < layers; layer++) {
          map.append(ran.get(layer) ? '#' : '.');
        }
        out.printf(
            "%-6d %-24s %6d  %s%s%n",
            position,
            printable(engine.encoder().tokenizer().tokenText(id)),
            ran.cardinality(),
            map,
            position >= prompt.size() ? "  generated" : "");
      }
      out.println(explanation.result().text());
    }

    private static String printable(String token) {
      return token.replace("\n", "\\n").replace("\t", "\\t");
    }
  }
}
