package dev.nightjar.engine.api;

import java.util.Objects;

/**
 * One message of a conversation; roles are those of the model's chat template ("system", "user",
 * "assistant").
 */
public record ChatMessage(String role, String content) {
  public ChatMessage {
    Objects.requireNonNull(role, "role is null");
    Objects.requireNonNull(content, "content is null");
  }
}
