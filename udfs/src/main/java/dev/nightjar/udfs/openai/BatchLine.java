package dev.nightjar.udfs.openai;

import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.Task;

/**
 * One line of a batch file.
 *
 * @param customId the user's name of the request, or null where the line has none that is a string
 * @param endpoint null where the line does not name one
 * @param prompt {@link Prompt.Invalid} for a line that cannot be run
 * @param task what is done with the prompt
 */
public record BatchLine(String customId, Endpoint endpoint, Prompt prompt, Task task) {
  /** The same with another prompt. */
  public BatchLine withPrompt(Prompt newPrompt) {
    return new BatchLine(customId, endpoint, newPrompt, task);
  }
}
