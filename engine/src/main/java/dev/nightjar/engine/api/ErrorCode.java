package dev.nightjar.engine.api;

/** What went wrong, in words that are stable across releases; they are stored in result tables. */
public enum ErrorCode {
  /** A model file or folder is missing, truncated, inconsistent or of an unsupported kind. */
  INVALID_MODEL(false),
  /** A tokenizer description is missing, malformed or of an unsupported kind. */
  INVALID_TOKENIZER(false),
  /** A depth artefact or depth specification is malformed or does not belong to this model. */
  INVALID_DEPTH(false),
  /** An option is unknown or its value is out of range. */
  INVALID_OPTION(false),
  /** The row's prompt, messages or template columns cannot be made into a prompt. */
  INVALID_PROMPT(false),
  /** The chat template failed to parse, failed to render, or exceeded its limits. */
  TEMPLATE_ERROR(false),
  /** The prompt leaves no room for a single generated token in the context window. */
  CONTEXT_OVERFLOW(false),
  /** The row alone needs more key/value memory than the executor's limit. */
  KV_LIMIT(true),
  /** The row ran longer than it may. */
  TIME_LIMIT(true),
  /** The row's process died while it ran, again and again, so it was set aside. */
  QUARANTINED(true),
  /** A fault of the engine itself. */
  INTERNAL(true);

  private final boolean retriable;

  ErrorCode(boolean retriable) {
    this.retriable = retriable;
  }

  /** Whether the same row could succeed on another attempt or with more resources. */
  public boolean retriable() {
    return retriable;
  }
}
