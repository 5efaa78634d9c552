package dev.nightjar.engine.api;

import java.io.Serializable;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;

/**
 * What a completion must look like. A row with any format but {@link Text} yields a text that fits,
 * always: tokens that would lead astray are never chosen, and the token limit is kept free for the
 * end. A format that cannot be met fails its row.
 */
public sealed interface ResponseFormat extends Serializable {
  /** The format of completions nobody restricts. */
  ResponseFormat TEXT = new Text();

  /** Free text. */
  record Text() implements ResponseFormat {}

  /** One JSON object of any content, without insignificant spaces, nested four deep at most. */
  record JsonObject() implements ResponseFormat {}

  /**
   * One JSON document, without insignificant spaces, that the schema accepts.
   *
   * @param schema a JSON Schema
   */
  record JsonSchema(String schema) implements ResponseFormat {
    public JsonSchema {
      Objects.requireNonNull(schema, "schema is null");
    }
  }

  /**
   * A text that the pattern matches as a whole.
   *
   * @param pattern a regular expression in the syntax of {@link java.util.regex.Pattern}, without
   *     look-around, back-references and word boundaries
   */
  record Regex(String pattern) implements ResponseFormat {
    public Regex {
      Objects.requireNonNull(pattern, "pattern is null");
    }
  }

  /**
   * One of some texts.
   *
   * @param choices at least one, none empty, no two equal
   */
  record Choice(List<String> choices) implements ResponseFormat {
    public Choice {
      choices = List.copyOf(choices);
      if (choices.isEmpty()) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION, "the list of choices is empty; expected at least one text");
      }
      HashSet<String> distinct = new HashSet<>();
      for (String choice : choices) {
        if (choice.isEmpty()) {
          throw new EngineException(
              ErrorCode.INVALID_OPTION, "a choice is an empty text; expected non-empty texts");
        }
        if (!distinct.add(choice)) {
          throw new EngineException(
              ErrorCode.INVALID_OPTION,
              "the choice \"" + choice + "\" is given twice; expected distinct texts");
        }
      }
    }
  }

  /** Whether completions are restricted at all. */
  default boolean constrained() {
    return !(this instanceof Text);
  }

  /** Whether every completion is one JSON document. */
  default boolean json() {
    return this instanceof JsonObject || this instanceof JsonSchema;
  }
}
