package dev.nightjar.udfs;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.io.Serializable;
import java.time.LocalDate;
import java.util.Locale;
import java.util.Objects;

/**
 * Everything the executors need to know of a run. Made once on the driver; immutable; travels with
 * the tasks.
 *
 * @param model a path that every executor sees, or {@code embedded}
 * @param keyColumn the column that identifies a row, or null to use a hash of the prompt
 * @param maxPromptChars most characters of a row's prompt
 * @param choice what rows choose among instead of generating text, or null
 */
public record InferenceOptions(
    String model,
    EngineConfig engine,
    SamplingParams sampling,
    PromptSource prompt,
    String keyColumn,
    int maxPromptChars,
    ErrorMode errorMode,
    String runId,
    LocalDate runDate,
    Task.Choose choice)
    implements Serializable {

  /** Characters a row's prompt may have unless said otherwise. */
  public static final int DEFAULT_MAX_PROMPT_CHARS = 1_000_000;

  private static final JsonMapper JSON = new JsonMapper();

  public InferenceOptions {
    Objects.requireNonNull(model, "model is null");
    Objects.requireNonNull(engine, "engine is null");
    Objects.requireNonNull(sampling, "sampling is null");
    Objects.requireNonNull(prompt, "prompt is null");
    Objects.requireNonNull(errorMode, "errorMode is null");
    Objects.requireNonNull(runId, "runId is null");
    Objects.requireNonNull(runDate, "runDate is null");
  }

  /** Options of rows that generate text. */
  public InferenceOptions(
      String model,
      EngineConfig engine,
      SamplingParams sampling,
      PromptSource prompt,
      String keyColumn,
      int maxPromptChars,
      ErrorMode errorMode,
      String runId,
      LocalDate runDate) {
    this(
        model,
        engine,
        sampling,
        prompt,
        keyColumn,
        maxPromptChars,
        errorMode,
        runId,
        runDate,
        null);
  }

  /** The same with other sampling. */
  public InferenceOptions withSampling(SamplingParams newSampling) {
    return new InferenceOptions(
        model,
        engine,
        newSampling,
        prompt,
        keyColumn,
        maxPromptChars,
        errorMode,
        runId,
        runDate,
        choice);
  }

  /** The same for rows that choose among labels, or with null for rows that generate text. */
  public InferenceOptions withChoice(Task.Choose newChoice) {
    return new InferenceOptions(
        model,
        engine,
        sampling,
        prompt,
        keyColumn,
        maxPromptChars,
        errorMode,
        runId,
        runDate,
        newChoice);
  }

  /** What is done with each row's prompt. */
  public Task task() {
    return choice == null ? new Task.Generate(sampling) : choice;
  }

  /** The options that shape an answer, as a JSON object with keys in a fixed order. */
  public String answerJson() {
    return answerJson(task());
  }

  /** The same for a row with a task of its own. */
  String answerJson(Task task) {
    return answerNode(task).toString();
  }

  /**
   * The effective options as stored in the result table: those of the answer, then those of speed.
   */
  public String toJson() {
    return toJson(task());
  }

  /** The same for a row with a task of its own. */
  String toJson(Task task) {
    ObjectNode node = answerNode(task);
    node.put("batch_size", engine.maxBatch());
    node.put("prompt_chunk", engine.promptChunk());
    node.put("step_tokens", engine.stepTokens());
    node.put("max_kv_bytes", engine.maxKvBytes());
    node.put("prefix_cache_bytes", engine.keysValues().prefixCacheBytes());
    node.put("admission", name(engine.admission()));
    return node.toString();
  }

  private ObjectNode answerNode(Task task) {
    ObjectNode node = JSON.createObjectNode();
    node.put("depth", engine.depth());
    switch (task) {
      case Task.Generate(SamplingParams own) -> put(node, own);
      case Task.Choose choose -> {
        put(node, sampling);
        choose.labels().forEach(node.putArray("labels")::add);
        node.put("answer_prefix", choose.answerPrefix());
        node.put("length", name(choose.length()));
      }
      case Task.Score score ->
          node.put("continuation", score.continuation()).put("answer_prefix", score.answerPrefix());
      case Task.Embed(Task.Pooling pooling, boolean unit) ->
          node.put("pooling", name(pooling)).put("unit", unit);
    }
    node.put("overlong", name(engine.overlong()));
    node.put("kv_type", name(engine.keysValues().type()));
    return node;
  }

  private static void put(ObjectNode node, SamplingParams sampling) {
    node.put("max_tokens", sampling.maxTokens());
    node.put("temperature", sampling.temperature());
    node.put("top_k", sampling.topK());
    node.put("top_p", sampling.topP());
    node.put("min_p", sampling.minP());
    node.put("repetition_penalty", sampling.repetitionPenalty());
    node.put("seed", sampling.seed());
    sampling.stop().forEach(node.putArray("stop")::add);
    node.put("logprobs", sampling.logprobs());
    switch (sampling.format()) {
      case ResponseFormat.Text() -> {}
      case ResponseFormat.JsonObject() -> node.put("json_object", true);
      case ResponseFormat.JsonSchema(String schema) -> node.put("json_schema", schema);
      case ResponseFormat.Regex(String pattern) -> node.put("regex", pattern);
      case ResponseFormat.Choice(var choices) -> choices.forEach(node.putArray("choices")::add);
    }
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
