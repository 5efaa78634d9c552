package dev.nightjar.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;

/**
 * Prompts in JSON lines with "prompt" or "messages", and optionally "custom_id" and "completion"; a
 * broken line becomes an invalid prompt. Confined to one thread.
 */
final class PromptLines implements Iterator<PromptLines.Line> {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final LlmEngine engine;
  private final BufferedReader reader;
  private final boolean raw;
  private String line;
  private int number;

  /** One line. */
  record Line(String key, Prompt prompt, Optional<String> completion) {}

  /**
   * The lines of a reader.
   *
   * @param raw whether a text goes to the tokenizer as it is, without the chat template
   */
  PromptLines(LlmEngine engine, BufferedReader reader, boolean raw) {
    this.engine = engine;
    this.reader = reader;
    this.raw = raw;
  }

  /** A text as the model's prompt. */
  static Prompt promptOf(LlmEngine engine, String text, boolean raw) {
    return raw || engine.encoder().chatTemplate().isEmpty()
        ? new Prompt.Text(text)
        : new Prompt.Messages(List.of(new ChatMessage("user", text)));
  }

  @Override
  public boolean hasNext() {
    try {
      while (line == null) {
        line = reader.readLine();
        if (line == null) {
          return false;
        }
        number++;
        if (line.isBlank()) {
          line = null;
        }
      }
      return true;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public Line next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more lines");
    }
    String current = line;
    line = null;
    try {
      JsonNode node = JSON.readTree(current);
      String key = node.path("custom_id").asText("line-" + number);
      return new Line(key, prompt(node), text(node, "completion"));
    } catch (IOException e) {
      String problem =
          "line " + number + " is not JSON; expected an object with \"prompt\" or \"messages\"";
      return new Line("line-" + number, invalid(problem), Optional.empty());
    }
  }

  private Prompt prompt(JsonNode node) {
    if (node.path("prompt").isTextual()) {
      return promptOf(engine, node.path("prompt").asText(), raw);
    }
    if (!node.path("messages").isArray()) {
      return node.path("prompt").isNull() || node.path("messages").isNull()
          ? new Prompt.Missing()
          : invalid("line " + number + " has neither a text \"prompt\" nor a list \"messages\"");
    }
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode message : node.path("messages")) {
      Optional<String> role = text(message, "role");
      Optional<String> content = text(message, "content");
      if (role.isEmpty() || content.isEmpty()) {
        return invalid("line " + number + " has a message without a text role and content");
      }
      messages.add(new ChatMessage(role.get(), content.get()));
    }
    return new Prompt.Messages(messages);
  }

  private static Optional<String> text(JsonNode node, String field) {
    return node.path(field).isTextual() ? Optional.of(node.path(field).asText()) : Optional.empty();
  }

  private static Prompt invalid(String message) {
    return new Prompt.Invalid(new RowError(ErrorCode.INVALID_PROMPT, message));
  }
}
