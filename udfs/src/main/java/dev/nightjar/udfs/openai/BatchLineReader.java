package dev.nightjar.udfs.openai;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.util.Map;

/**
 * Reads lines of OpenAI's batch API, such as {@code {"custom_id": "a", "method": "POST", "url":
 * "/v1/chat/completions", "body": {"messages": [...]}}}. A line that cannot be run never throws: it
 * becomes one with a {@link Prompt.Invalid} that names the field. Safe for concurrent use.
 */
public final class BatchLineReader {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final RequestBody bodies;
  private final Task unused;

  /**
   * A reader.
   *
   * @param defaults what holds where a body says nothing
   */
  public BatchLineReader(SamplingParams defaults) {
    this.bodies = new RequestBody(defaults);
    this.unused = new Task.Generate(defaults);
  }

  /** Reads one line; never throws for its content. */
  public BatchLine read(String text) {
    ObjectNode object;
    try {
      JsonNode root = JSON.readTree(text);
      if (!(root instanceof ObjectNode line)) {
        return invalid(null, null, JsonFields.invalid("the line is not a JSON object"));
      }
      object = line;
    } catch (JsonProcessingException e) {
      String problem = e.getOriginalMessage();
      return invalid(null, null, JsonFields.invalid("the line is not JSON: " + problem));
    }
    JsonFields line = new JsonFields("", object);
    String customId = null;
    Endpoint endpoint = null;
    try {
      String id = line.requiredText("custom_id");
      if (id.isEmpty()) {
        throw JsonFields.invalid("custom_id is empty, expected a name of its own for each line");
      }
      customId = id;
      String method = line.text("method").orElse("POST");
      if (!method.equals("POST")) {
        throw line.wrong("method", object.get("method"), "POST");
      }
      endpoint =
          Endpoint.of(line.requiredText("url"))
              .orElseThrow(() -> line.wrong("url", object.get("url"), "one of " + Endpoint.urls()));
      JsonFields body = line.object("body");
      line.refuseOthers(Map.of());
      return bodies.read(customId, endpoint, body);
    } catch (EngineException e) {
      return invalid(customId, endpoint, e);
    }
  }

  private BatchLine invalid(String customId, Endpoint endpoint, EngineException e) {
    return new BatchLine(customId, endpoint, new Prompt.Invalid(RowError.of(e)), unused);
  }
}
