package dev.nightjar.udfs.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The body of a request: its prompt and what the engine does with it. Fields that change nothing
 * here are left alone ({@code model}, whose place the run's model takes, {@code user}, {@code
 * metadata}, ...); any other one that is not understood is refused by name.
 */
final class RequestBody {
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

  /** Fields that do not change the answer, and those that may be there with this value only. */
  private static final Map<String, Optional<JsonNode>> NEUTRAL = neutral();

  private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant");

  private final SamplingParams defaults;

  RequestBody(SamplingParams defaults) {
    this.defaults = defaults;
  }

  private static Map<String, Optional<JsonNode>> neutral() {
    Map<String, Optional<JsonNode>> fields = new HashMap<>();
    for (String name :
        List.of(
            "model",
            "user",
            "metadata",
            "store",
            "service_tier",
            "safety_identifier",
            "prompt_cache_key",
            "prompt_cache_retention",
            "parallel_tool_calls")) {
      fields.put(name, Optional.empty());
    }
    fields.put("n", Optional.of(NODES.numberNode(1)));
    fields.put("best_of", Optional.of(NODES.numberNode(1)));
    fields.put("frequency_penalty", Optional.of(NODES.numberNode(0)));
    fields.put("presence_penalty", Optional.of(NODES.numberNode(0)));
    fields.put("logit_bias", Optional.of(NODES.objectNode()));
    fields.put("tools", Optional.of(NODES.arrayNode()));
    fields.put("modalities", Optional.of(NODES.arrayNode().add("text")));
    fields.put("stream", Optional.of(NODES.booleanNode(false)));
    fields.put("echo", Optional.of(NODES.booleanNode(false)));
    fields.put("encoding_format", Optional.of(NODES.textNode("float")));
    return fields;
  }

  /**
   * Reads a body.
   *
   * @throws dev.nightjar.engine.api.EngineException that names the field
   */
  BatchLine read(String customId, Endpoint endpoint, JsonFields body) {
    Prompt prompt =
        switch (endpoint) {
          case CHAT -> conversation(body);
          case COMPLETIONS -> oneText("prompt", body);
          case EMBEDDINGS -> oneText("input", body);
        };
    Task task =
        switch (endpoint) {
          case CHAT, COMPLETIONS -> new Task.Generate(sampling(endpoint, body));
          case EMBEDDINGS -> new Task.Embed(Task.Pooling.MEAN, true);
        };
    body.refuseOthers(NEUTRAL);
    return new BatchLine(customId, endpoint, prompt, task);
  }

  private static Prompt conversation(JsonFields body) {
    JsonNode messages = body.required("messages", "an array of messages");
    if (!messages.isArray() || messages.isEmpty()) {
      throw body.wrong("messages", messages, "an array of one message or more");
    }
    List<ChatMessage> read = new ArrayList<>(messages.size());
    for (JsonNode message : messages) {
      String path = "body.messages[" + read.size() + "]";
      if (!(message instanceof ObjectNode object)) {
        throw JsonFields.invalid(path + " is not an object, expected role and content");
      }
      JsonFields fields = new JsonFields(path + ".", object);
      String role = fields.requiredText("role");
      if (!ROLES.contains(role)) {
        throw fields.wrong("role", object.get("role"), "system, developer, user or assistant");
      }
      String content = content(path, fields);
      fields.refuseOthers(Map.of());
      read.add(new ChatMessage(role.equals("developer") ? "system" : role, content));
    }
    return new Prompt.Messages(read);
  }

  /** A text, or parts of type text, which are put together line by line. */
  private static String content(String path, JsonFields fields) {
    JsonNode content = fields.required("content", "a string");
    if (content.isTextual()) {
      return content.textValue();
    }
    if (!content.isArray() || content.isEmpty()) {
      throw fields.wrong("content", content, "a string, or an array of parts of type text");
    }
    List<String> texts = new ArrayList<>(content.size());
    for (JsonNode part : content) {
      String partPath = path + ".content[" + texts.size() + "]";
      if (!(part instanceof ObjectNode object)) {
        throw JsonFields.invalid(partPath + " is not an object, expected a part of type text");
      }
      JsonFields partFields = new JsonFields(partPath + ".", object);
      if (!partFields.requiredText("type").equals("text")) {
        throw partFields.wrong("type", object.get("type"), "text: nothing else is supported");
      }
      texts.add(partFields.requiredText("text"));
      partFields.refuseOthers(Map.of());
    }
    return String.join("\n", texts);
  }

  /** One text or one list of token ids, alone or in an array. */
  private static Prompt oneText(String name, JsonFields body) {
    String expected = "one string, or an array of token ids";
    JsonNode value = body.required(name, expected);
    if (value.isArray() && value.size() == 1 && !value.get(0).isNumber()) {
      value = value.get(0);
    }
    if (value.isTextual()) {
      return new Prompt.Text(value.textValue());
    }
    if (!value.isArray() || value.isEmpty()) {
      throw body.wrong(name, value, expected);
    }
    if (!value.get(0).isNumber()) {
      throw JsonFields.invalid(
          "body." + name + " has " + value.size() + " texts, expected one; give each its own line");
    }
    List<Integer> ids = new ArrayList<>(value.size());
    for (JsonNode id : value) {
      if (!id.isInt()) {
        throw JsonFields.invalid(
            "body." + name + "[" + ids.size() + "] is not a token id, expected a whole number");
      }
      ids.add(id.intValue());
    }
    return new Prompt.TokenIds(ids);
  }

  private SamplingParams sampling(Endpoint endpoint, JsonFields body) {
    return new SamplingParams(
        maxTokens(endpoint, body),
        (float) body.number("temperature").orElse(defaults.temperature()),
        body.integer("top_k").orElse(defaults.topK()),
        (float) body.number("top_p").orElse(defaults.topP()),
        (float) body.number("min_p").orElse(defaults.minP()),
        (float) body.number("repetition_penalty").orElse(defaults.repetitionPenalty()),
        body.whole("seed").orElse(defaults.seed()),
        stop(body),
        logprobs(endpoint, body),
        format(endpoint, body));
  }

  private int maxTokens(Endpoint endpoint, JsonFields body) {
    Optional<Integer> all = body.integer("max_tokens");
    Optional<Integer> completion =
        endpoint == Endpoint.CHAT ? body.integer("max_completion_tokens") : Optional.empty();
    if (all.isPresent() && completion.isPresent() && !all.equals(completion)) {
      throw JsonFields.invalid(
          "body.max_tokens is %d and body.max_completion_tokens is %d; give one of them"
              .formatted(all.get(), completion.get()));
    }
    return completion.or(() -> all).orElse(defaults.maxTokens());
  }

  private List<String> stop(JsonFields body) {
    Optional<JsonNode> given = body.find("stop");
    if (given.isEmpty()) {
      return defaults.stop();
    }
    JsonNode value = given.get();
    if (value.isTextual()) {
      return List.of(value.textValue());
    }
    List<String> texts = new ArrayList<>();
    for (JsonNode text : value) {
      texts.add(text.textValue());
    }
    if (!value.isArray() || texts.contains(null)) {
      throw body.wrong("stop", value, "a string, or an array of strings");
    }
    return texts;
  }

  /** A number for completions; a switch and a number of alternatives for chats. */
  private int logprobs(Endpoint endpoint, JsonFields body) {
    if (endpoint == Endpoint.COMPLETIONS) {
      return body.integer("logprobs").orElse(defaults.logprobs());
    }
    boolean given = body.find("logprobs").isPresent();
    boolean wanted = body.flag("logprobs");
    Optional<Integer> top = body.integer("top_logprobs");
    if (top.isPresent() && !wanted) {
      throw JsonFields.invalid("body.top_logprobs is given without body.logprobs true");
    }
    if (!given) {
      return defaults.logprobs();
    }
    return wanted ? top.orElse(0) : -1;
  }

  private ResponseFormat format(Endpoint endpoint, JsonFields body) {
    if (endpoint != Endpoint.CHAT || body.find("response_format").isEmpty()) {
      return defaults.format();
    }
    JsonFields format = body.object("response_format");
    String type = format.requiredText("type");
    ResponseFormat read =
        switch (type) {
          case "text" -> ResponseFormat.TEXT;
          case "json_object" -> new ResponseFormat.JsonObject();
          case "json_schema" -> schema(format.object("json_schema"));
          default ->
              throw format.wrong(
                  "type", TextNode.valueOf(type), "text, json_object or json_schema");
        };
    format.refuseOthers(Map.of());
    return read;
  }

  private static ResponseFormat schema(JsonFields format) {
    JsonNode schema = format.required("schema", "a JSON Schema");
    format.refuseOthers(
        Map.of(
            "name", Optional.empty(), "description", Optional.empty(), "strict", Optional.empty()));
    return new ResponseFormat.JsonSchema(schema.toString());
  }
}
