package dev.nightjar.udfs;

import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.Prompt;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * SHA-256 names of prompts and requests. Strings are hashed as UTF-8 with their length in front, so
 * different lists of strings never hash alike. Not safe for concurrent use.
 */
final class RequestHash {
  private final MessageDigest digest;

  RequestHash() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** The hash of the prompt alone: 64 hexadecimal digits. */
  String ofPrompt(Prompt prompt) {
    add(prompt);
    return finish();
  }

  /** The hash of all that determines an answer: prompt, row key, options and model. */
  String ofRequest(Prompt prompt, String key, String answerOptions, String modelFingerprint) {
    add(prompt);
    add(key);
    add(answerOptions);
    add(modelFingerprint);
    return finish();
  }

  private String finish() {
    return HexFormat.of().formatHex(digest.digest());
  }

  private void add(Prompt prompt) {
    switch (prompt) {
      case Prompt.Text(String text) -> {
        add("text");
        add(text);
      }
      case Prompt.Messages messages -> {
        add("messages");
        for (ChatMessage message : messages.messages()) {
          add(message.role());
          add(message.content());
        }
      }
      case Prompt.TokenIds ids -> {
        add("ids");
        ids.ids().forEach(this::add);
      }
      case Prompt.Missing() -> add("missing");
      case Prompt.Invalid invalid -> {
        add("invalid");
        add(invalid.error().message());
      }
    }
  }

  private void add(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    add(bytes.length);
    digest.update(bytes);
  }

  private void add(int number) {
    digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(number).array());
  }
}
