package dev.nightjar.engine.api;

import java.util.List;

/**
 * What one row got. Exactly one of the following holds: {@code error} is set; {@link
 * #skippedNull()}; or there is a finish reason.
 *
 * @param text the generated text without control tokens and stop string, the label chosen, or null
 * @param tokenIds the generated tokens, those of the label chosen or of the continuation scored
 * @param finishReason null unless the row ran to its end
 * @param stopReason the stop string that matched, or null
 * @param error null unless the row failed
 * @param cumulativeLogprob sum of the generated tokens' natural-log probabilities; the score of the
 *     label or continuation
 * @param logprobs one entry per generated token, or empty unless asked for
 * @param compute null unless the row reached the engine
 * @param finding what a row got that does not generate; null for others, and if it was given up
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
    ComputeStats compute,
    Finding finding) {

  public GenerationResult {
    tokenIds = List.copyOf(tokenIds);
    logprobs = List.copyOf(logprobs);
  }

  /** A row that failed. */
  public static GenerationResult failed(String key, RowError error) {
    return new GenerationResult(
        key, null, List.of(), null, null, error, Usage.NONE, 0, List.of(), Timing.NONE, null, null);
  }

  /** A row whose prompt was null. */
  public static GenerationResult missing(String key) {
    return new GenerationResult(
        key, null, List.of(), null, null, null, Usage.NONE, 0, List.of(), Timing.NONE, null, null);
  }

  /** Whether this is the result of a null prompt. */
  public boolean skippedNull() {
    return error == null && finishReason == null;
  }
}
