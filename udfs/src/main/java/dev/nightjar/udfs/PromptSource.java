package dev.nightjar.udfs;

import java.io.Serializable;

/** Where a row's prompt comes from. Values only; {@link PromptReader} applies them to rows. */
public sealed interface PromptSource extends Serializable {

  /** A string column taken as raw text, without the model's chat template: for base models. */
  record RawText(String column) implements PromptSource {}

  /**
   * A string column wrapped as one user message, rendered by the model's chat template.
   *
   * @param system text of a system message in front, or null for none
   */
  record UserMessage(String column, String system) implements PromptSource {}

  /** A column of {@code array<struct<role: string, content: string>>}. */
  record Conversation(String column) implements PromptSource {}

  /**
   * A template over several columns, taken as one user message or as raw text.
   *
   * @param shape what the filled template becomes
   * @param system text of a system message in front, or null for none; not with raw text
   */
  record Filled(PromptTemplate template, Shape shape, String system) implements PromptSource {}

  /**
   * Lines of OpenAI's batch API in the column {@value #REQUEST}: each row has a prompt, a key and
   * sampling of its own. Rows whose column {@value #DUPLICATE_OF}, if there is one, is not null
   * have an error.
   */
  record BatchLines() implements PromptSource {
    /** Column of the line's text. */
    public static final String REQUEST = "request";

    /** Column of the number of an earlier line with the same {@code custom_id}. */
    public static final String DUPLICATE_OF = "duplicate_of";
  }

  /** What a text becomes. */
  enum Shape {
    /** One user message. */
    CHAT,
    /** Raw text. */
    RAW
  }
}
