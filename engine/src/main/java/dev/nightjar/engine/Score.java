package dev.nightjar.engine;

import java.util.List;

/**
 * Teacher-forced scores of a token sequence.
 *
 * @param tokenIds all tokens, the first one included
 * @param logprobs natural-log probability of each token but the first, given those before it
 */
public record Score(List<Integer> tokenIds, List<Float> logprobs) {
  public Score {
    tokenIds = List.copyOf(tokenIds);
    logprobs = List.copyOf(logprobs);
  }

  /** Mean negative log-likelihood in nats per scored token; 0 without any. */
  public double meanNll() {
    double sum = 0;
    for (float logprob : logprobs) {
      sum -= logprob;
    }
    return logprobs.isEmpty() ? 0 : sum / logprobs.size();
  }
}
