package dev.nightjar.engine.api;

/** Why one row has no answer. */
public record RowError(ErrorCode code, String message) {
  /** The error of a row whose processing threw {@code e}. */
  public static RowError of(EngineException e) {
    return new RowError(e.code(), e.getMessage());
  }
}
