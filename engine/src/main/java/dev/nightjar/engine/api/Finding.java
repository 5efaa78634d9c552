package dev.nightjar.engine.api;

import java.util.List;

/** What a row that does not generate text got. */
public sealed interface Finding {

  /**
   * The result of {@link Task.Choose}.
   *
   * @param label the likeliest label, the first one among equals
   * @param scores one entry per label, in the order of the request
   */
  record Choice(String label, List<LabelScore> scores) implements Finding {
    public Choice {
      scores = List.copyOf(scores);
    }
  }

  /**
   * One label's score.
   *
   * @param logprob natural-log probability that the answer begins with the label and, where that is
   *     another label's beginning too, does not go on to it
   * @param tokens tokens of the label that were scored
   * @param probability share of the label among all labels: the soft-max of {@code logprob}, or of
   *     {@code logprob / tokens} with {@link Task.Length#MEAN}; adds up to 1
   */
  record LabelScore(String label, double logprob, int tokens, double probability) {}

  /**
   * The result of {@link Task.Score}.
   *
   * @param logprob sum of the tokens' natural-log probabilities
   * @param tokenLogprobs one entry per token of the continuation
   */
  record Likelihood(double logprob, List<Float> tokenLogprobs) implements Finding {
    public Likelihood {
      tokenLogprobs = List.copyOf(tokenLogprobs);
    }

    /** Mean natural-log probability per token. */
    public double meanLogprob() {
      return logprob / tokenLogprobs.size();
    }
  }

  /**
   * The result of {@link Task.Embed}.
   *
   * @param vector {@code [hiddenSize]}; not copied, do not modify
   */
  record Embedding(float[] vector) implements Finding {}
}
