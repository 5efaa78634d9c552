package dev.nightjar.engine.api;

import java.io.Serializable;

/**
 * How an engine is set up; fixed for its life.
 *
 * @param depth a depth specification, for example {@code full} or {@code dllm:budget=0.55}
 * @param maxBatch most sequences in flight per decoder
 * @param promptChunk most prompt tokens of one sequence per step; 0 takes the whole prompt at once
 * @param stepTokens most slots per step over all sequences of a decoder
 * @param maxKvBytes most bytes of keys and values per decoder; 0 is unlimited
 * @param overlong what to do with a prompt that does not fit the context window
 */
public record EngineConfig(
    String depth, int maxBatch, int promptChunk, int stepTokens, long maxKvBytes, Overlong overlong)
    implements Serializable {

  /** What to do with a prompt that leaves no room in the context window. */
  public enum Overlong {
    /** The row fails with {@link ErrorCode#CONTEXT_OVERFLOW}. */
    ERROR,
    /**
     * The oldest prompt tokens are dropped so that {@code maxTokens} (or half the window, if less)
     * fit.
     */
    TRUNCATE
  }

  /** Dense, 32 sequences, prompt chunks of 128. */
  public static final EngineConfig DEFAULT =
      new EngineConfig("full", 32, 128, 512, 0, Overlong.ERROR);

  public EngineConfig {
    check(depth != null && !depth.isBlank(), "depth", depth, "a depth specification such as full");
    check(maxBatch >= 1 && maxBatch <= 4096, "batch-size", maxBatch, "in [1, 4096]");
    check(promptChunk >= 0, "prompt-chunk", promptChunk, "0 (whole prompt) or more");
    check(stepTokens >= 1, "step-tokens", stepTokens, "at least 1");
    check(maxKvBytes >= 0, "max-kv-bytes", maxKvBytes, "0 (unlimited) or more");
  }

  private static void check(boolean ok, String name, Object found, String expected) {
    if (!ok) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION, name + " is " + found + ", expected " + expected);
    }
  }

  /** The same with another depth specification. */
  public EngineConfig withDepth(String newDepth) {
    return new EngineConfig(newDepth, maxBatch, promptChunk, stepTokens, maxKvBytes, overlong);
  }

  /** The same with another batch size. */
  public EngineConfig withMaxBatch(int newMaxBatch) {
    return new EngineConfig(depth, newMaxBatch, promptChunk, stepTokens, maxKvBytes, overlong);
  }

  /** The same with another prompt chunk. */
  public EngineConfig withPromptChunk(int newPromptChunk) {
    return new EngineConfig(depth, maxBatch, newPromptChunk, stepTokens, maxKvBytes, overlong);
  }
}
