package dev.nightjar.engine.api;

import java.util.Objects;

/**
 * One row's work.
 *
 * @param key the row key; together with the seed it determines the row's random stream
 */
public record GenerationRequest(String key, Prompt prompt, Task task) {
  public GenerationRequest {
    Objects.requireNonNull(key, "key is null");
    Objects.requireNonNull(prompt, "prompt is null");
    Objects.requireNonNull(task, "task is null");
  }

  /** A row that generates text. */
  public GenerationRequest(String key, Prompt prompt, SamplingParams sampling) {
    this(key, prompt, new Task.Generate(sampling));
  }
}
