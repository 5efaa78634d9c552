package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.engine.api.Task;
import dev.nightjar.udfs.AnswerRows;
import dev.nightjar.udfs.RowPrompts;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.NullType;
import org.apache.spark.sql.types.StructType;

/**
 * Turns a call's arguments into requests and the engine's answers into the function's value.
 * Confined to one thread.
 */
final class RequestReader {
  /** Name of the prompt's field in a row of arguments. */
  static final String PROMPT = "prompt";

  private static final String SECOND = "argument";

  /** Stands in where a row's own task could not be made; such a row has no prompt to run it on. */
  private static final Task NONE = new Task.Embed(Task.Pooling.LAST, false);

  private final LlmTask task;
  private final RowPrompts prompts;
  private List<String> lastLabels = List.of();
  private Task shared;

  RequestReader(LlmTask task, StructType types) {
    this.task = task;
    this.prompts = new RowPrompts(task.options(), types);
    this.shared =
        switch (task) {
          case LlmTask.Generate generate -> new Task.Generate(generate.options().sampling());
          case LlmTask.Classify classify ->
              classify.labels().isEmpty() ? NONE : choose(classify, classify.labels());
          case LlmTask.Embed embed -> embed.task();
          case LlmTask.Score _, LlmTask.CountTokens _ -> NONE;
        };
  }

  /** The schema of a row of arguments. */
  static StructType schema(List<Expression> arguments) {
    StructType schema = new StructType();
    for (int i = 0; i < arguments.size(); i++) {
      DataType type = arguments.get(i).dataType();
      schema =
          schema.add(
              i == 0 ? PROMPT : SECOND, type instanceof NullType ? DataTypes.StringType : type);
    }
    return schema;
  }

  /** The request of one row of arguments; a null argument leaves nothing to do. */
  GenerationRequest request(EvaluatePartition.Item item) {
    Row values = item.values();
    Prompt prompt = values.anyNull() ? new Prompt.Missing() : prompts.prompt(values);
    String key = prompts.key(values, prompt);
    if (prompt instanceof Prompt.Missing) {
      return new GenerationRequest(key, prompt, NONE);
    }
    try {
      return new GenerationRequest(key, prompt, taskOf(values));
    } catch (EngineException e) {
      return new GenerationRequest(key, new Prompt.Invalid(RowError.of(e)), NONE);
    }
  }

  /** The prompt of one row of arguments. */
  Prompt prompt(EvaluatePartition.Item item) {
    return prompts.prompt(item.values());
  }

  private Task taskOf(Row values) {
    return switch (task) {
      case LlmTask.Classify classify when values.size() > 1 -> labelled(classify, values);
      case LlmTask.Score score -> new Task.Score(values.getString(1), score.answerPrefix());
      default -> shared;
    };
  }

  private Task labelled(LlmTask.Classify classify, Row values) {
    List<String> labels = new ArrayList<>(values.<String>getList(1));
    labels.removeIf(Objects::isNull);
    if (!labels.equals(lastLabels) || shared == NONE) {
      shared = NONE;
      shared = choose(classify, labels);
      lastLabels = labels;
    }
    return shared;
  }

  private static Task choose(LlmTask.Classify classify, List<String> labels) {
    return new Task.Choose(labels, classify.answerPrefix(), classify.length());
  }

  /** The function's value; null for a null prompt. */
  static Row value(LlmTask task, GenerationResult result) {
    if (result.skippedNull()) {
      return null;
    }
    return RowFactory.create(
        switch (task) {
          case LlmTask.Generate generate ->
              AnswerRows.generated(result, generate.options().sampling().logprobs() >= 0);
          case LlmTask.Classify _ -> AnswerRows.chosen(result);
          case LlmTask.Score _ -> AnswerRows.scored(result);
          case LlmTask.Embed _ -> AnswerRows.embedded(result);
          case LlmTask.CountTokens _ ->
              throw new IllegalStateException("tokens are counted without the engine's decoder");
        });
  }
}
