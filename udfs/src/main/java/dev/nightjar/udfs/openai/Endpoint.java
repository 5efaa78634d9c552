package dev.nightjar.udfs.openai;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** The endpoints that a batch line may name. */
public enum Endpoint {
  /** A conversation. */
  CHAT("/v1/chat/completions"),
  /** Raw text or token ids. */
  COMPLETIONS("/v1/completions"),
  /** A vector of a text. */
  EMBEDDINGS("/v1/embeddings");

  private final String url;

  Endpoint(String url) {
    this.url = url;
  }

  static Optional<Endpoint> of(String url) {
    return Arrays.stream(values()).filter(endpoint -> endpoint.url.equals(url)).findFirst();
  }

  static List<String> urls() {
    return Arrays.stream(values()).map(endpoint -> endpoint.url).toList();
  }
}
