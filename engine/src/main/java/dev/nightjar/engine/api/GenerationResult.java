package dev.nightjar.engine.api;

import java.util.List;

/**
 * What one row got. Exactly one of the following holds: {@code error} is set; {@link
 * #skippedNull()}; or there is text.
 *
 * @param text the generated text without control tokens and stop string, or null
 * @param finishReason null unless there is text
 * @param stopReason the stop string that matched, or null
 * @param error null unless the row failed
 * @param cumulativeLogprob sum of the generated tokens' natural-log probabilities
 * @param logprobs one entry per generated token, or empty unless asked for
 * @param compute null unless the row reached the engine
 */
public record GenerationResult(
    String key,
    String text,
    List<Integer> tokenIds,
    FinishReason finishReason,
    String stopReason,
    RowError error,
    Usage usage,
    double cumulativeLogprob,
    List<TokenLogprob> logprobs,
    Timing timing,
    ComputeStats compute) {

  public GenerationResult {
    tokenIds = List.copyOf(tokenIds);
    logprobs = List.copyOf(logprobs);
  }

  /** A row that failed. */
  public static GenerationResult failed(String key, RowError error) {
    return new GenerationResult(
        key, null, List.of(), null, null, error, Usage.NONE, 0, List.of(), Timing.NONE, null);
  }

  /** A row whose prompt was null. */
  public static GenerationResult missing(String key) {
    return new GenerationResult(
        key, null, List.of(), null, null, null, Usage.NONE, 0, List.of(), Timing.NONE, null);
  }

  /** Whether this is the result of a null prompt. */
  public boolean skippedNull() {
    return error == null && text == null;
  }
}
