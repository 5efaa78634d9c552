package dev.nightjar.engine.api;

import java.util.List;

/** What a row asks the model, before tokenisation. */
public sealed interface Prompt {

  /**
   * Raw text, given to the tokenizer as it is; control-token strings inside it are ordinary text.
   */
  record Text(String text) implements Prompt {}

  /** A conversation, rendered by the model's own chat template. */
  record Messages(List<ChatMessage> messages) implements Prompt {
    public Messages {
      messages = List.copyOf(messages);
    }
  }

  /** Token ids, used as they are (no BOS is added). */
  record TokenIds(List<Integer> ids) implements Prompt {
    public TokenIds {
      ids = List.copyOf(ids);
    }
  }

  /** A null prompt: costs nothing and yields a result without text. */
  record Missing() implements Prompt {}

  /**
   * A row that could not be made into a prompt: costs nothing and yields a result with this error.
   */
  record Invalid(RowError error) implements Prompt {}
}
