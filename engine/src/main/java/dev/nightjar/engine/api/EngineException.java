package dev.nightjar.engine.api;

import java.util.Objects;

/**
 * A fault in something the user supplied. The message names the thing, what was found, what was
 * expected and what to do. Faults of the engine itself are {@link IllegalStateException}s.
 */
public final class EngineException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;

  /** Creates an exception with a complete, user-facing message. */
  public EngineException(ErrorCode code, String message) {
    super(message);
    this.code = Objects.requireNonNull(code, "code is null");
  }

  /** Creates an exception that keeps the underlying cause. */
  public EngineException(ErrorCode code, String message, Throwable cause) {
    super(message, cause);
    this.code = Objects.requireNonNull(code, "code is null");
  }

  /** The stable code of this fault. */
  public ErrorCode code() {
    return code;
  }
}
