package dev.nightjar.engine.api;

import java.io.Serializable;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/** What is done with a row's prompt. */
public sealed interface Task extends Serializable {

  /** Writes an answer. */
  record Generate(SamplingParams sampling) implements Task {
    public Generate {
      Objects.requireNonNull(sampling, "sampling is null");
    }
  }

  /**
   * Picks the likeliest of some answers without decoding: each label's score is the log-probability
   * that the answer begins with it. Labels are tokenised as generated text, together with the
   * prefix in front of them; those with common leading tokens share their work, and labels of one
   * token cost nothing beside the prompt. Where one label begins another ("spam", "spammer"), the
   * shorter one's score is that of an answer that does not go on to a longer one, so the scores are
   * of events that exclude each other.
   *
   * @param labels 1 to {@link #MAX_LABELS} different strings that are not empty
   * @param answerPrefix how the answer begins, before the label; counts as prompt and may be empty
   * @param length how labels of different lengths compare
   */
  record Choose(List<String> labels, String answerPrefix, Length length) implements Task {
    /** The largest number of labels. */
    public static final int MAX_LABELS = 1000;

    public Choose {
      labels = List.copyOf(labels);
      Objects.requireNonNull(answerPrefix, "answerPrefix is null");
      Objects.requireNonNull(length, "length is null");
      if (labels.isEmpty() || labels.size() > MAX_LABELS) {
        throw invalid(
            "there are "
                + labels.size()
                + " labels, expected 1 to "
                + MAX_LABELS
                + (labels.isEmpty() ? "; name at least one" : "; group them"));
      }
      Set<String> seen = new HashSet<>();
      for (int i = 0; i < labels.size(); i++) {
        if (labels.get(i).isEmpty()) {
          throw invalid("label " + i + " is empty, expected at least one character");
        }
        if (!seen.add(labels.get(i))) {
          throw invalid("label \"" + labels.get(i) + "\" is there twice; remove one of them");
        }
      }
    }

    /** Labels as whole answers. */
    public static Choose of(List<String> labels) {
      return new Choose(labels, "", Length.SUM);
    }

    /** Labels behind the beginning of an answer, for example that of a JSON object. */
    public static Choose of(List<String> labels, String answerPrefix) {
      return new Choose(labels, answerPrefix, Length.SUM);
    }

    private static EngineException invalid(String message) {
      return new EngineException(ErrorCode.INVALID_OPTION, message);
    }
  }

  /** How labels of different lengths compare. */
  enum Length {
    /** By the log-probability of the whole label: probabilities are the model's own. */
    SUM,
    /** By the mean log-probability per token, which does not disfavour long labels. */
    MEAN
  }

  /**
   * Measures how likely an answer is.
   *
   * @param continuation the answer, or how it begins; at least one character
   * @param answerPrefix what comes before it; counts as prompt and may be empty
   */
  record Score(String continuation, String answerPrefix) implements Task {
    public Score {
      Objects.requireNonNull(answerPrefix, "answerPrefix is null");
      if (continuation.isEmpty()) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "the continuation to score is empty, expected at least one character");
      }
    }

    /** A whole answer. */
    public static Score of(String continuation) {
      return new Score(continuation, "");
    }
  }

  /**
   * Makes a vector of the prompt from the residuals behind the last layer, after the final norm. A
   * depth policy's skips and dropped prompt tokens count here as in generation, its exits do not.
   *
   * @param unit whether the vector is divided by its Euclidean length
   */
  record Embed(Pooling pooling, boolean unit) implements Task {
    public Embed {
      Objects.requireNonNull(pooling, "pooling is null");
    }
  }

  /** Which of the prompt's tokens make its vector. */
  enum Pooling {
    /** The mean over all of them. */
    MEAN,
    /** The last one. */
    LAST
  }
}
