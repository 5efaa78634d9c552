package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.Task;
import dev.nightjar.udfs.AnswerTypes;
import dev.nightjar.udfs.InferenceOptions;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;

/**
 * What one call of a function does with each row. A value: two calls with equal tasks and equal
 * arguments are the same call and run once.
 */
sealed interface LlmTask extends Serializable {

  /** The function's name in SQL. */
  String function();

  /** Model, prompt and all else that the executors need to know. */
  InferenceOptions options();

  /** The type of the function's value. */
  DataType type();

  /** {@code llm_generate} and {@code llm_extract}. */
  record Generate(String function, InferenceOptions options) implements LlmTask {
    @Override
    public DataType type() {
      return AnswerTypes.GENERATION;
    }
  }

  /**
   * {@code llm_classify}.
   *
   * @param labels the labels of every row, or empty when a row's second argument has them
   */
  record Classify(
      InferenceOptions options, List<String> labels, String answerPrefix, Task.Length length)
      implements LlmTask {
    public Classify {
      labels = List.copyOf(labels);
    }

    @Override
    public String function() {
      return "llm_classify";
    }

    @Override
    public DataType type() {
      return AnswerTypes.CHOICE;
    }
  }

  /** {@code llm_score}; a row's second argument is the continuation. */
  record Score(InferenceOptions options, String answerPrefix) implements LlmTask {
    @Override
    public String function() {
      return "llm_score";
    }

    @Override
    public DataType type() {
      return AnswerTypes.LIKELIHOOD;
    }
  }

  /** {@code llm_embed}. */
  record Embed(InferenceOptions options, Task.Embed task) implements LlmTask {
    @Override
    public String function() {
      return "llm_embed";
    }

    @Override
    public DataType type() {
      return AnswerTypes.EMBEDDING;
    }
  }

  /** {@code llm_count_tokens}: the tokenizer alone, no forward pass. */
  record CountTokens(InferenceOptions options) implements LlmTask {
    @Override
    public String function() {
      return "llm_count_tokens";
    }

    @Override
    public DataType type() {
      return DataTypes.IntegerType;
    }
  }
}
