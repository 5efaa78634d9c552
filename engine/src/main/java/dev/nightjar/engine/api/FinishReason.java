package dev.nightjar.engine.api;

/** Why a generation ended; the lower-case names are those of OpenAI and vLLM. */
public enum FinishReason {
  /** An end-of-sequence token or a stop string. */
  STOP,
  /** The token limit or the end of the context window. */
  LENGTH,
  /** The row was given up. */
  ABORT;

  /** The value stored in result tables. */
  public String value() {
    return switch (this) {
      case STOP -> "stop";
      case LENGTH -> "length";
      case ABORT -> "abort";
    };
  }
}
