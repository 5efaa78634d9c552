package dev.nightjar.engine.api;

/**
 * Tokens of one row.
 *
 * @param cachedTokens prompt tokens whose keys and values another row had computed
 */
public record Usage(int promptTokens, int completionTokens, int cachedTokens) {
  /** No tokens at all. */
  public static final Usage NONE = new Usage(0, 0, 0);

  /** Prompt and completion tokens together. */
  public int totalTokens() {
    return promptTokens + completionTokens;
  }
}
