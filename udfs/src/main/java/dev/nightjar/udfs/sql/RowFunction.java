package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Task;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.InferenceOptions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.api.java.UDF2;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The model functions row by row, for clusters that forbid extensions: no batches, one core a task,
 * options from the session's configuration at the time of registration.
 */
public final class RowFunction implements UDF1<Object, Row>, UDF2<Object, Object, Row> {
  private final LlmTask ofText;
  private final LlmTask ofMessages;

  private RowFunction(LlmTask ofText, LlmTask ofMessages) {
    this.ofText = ofText;
    this.ofMessages = ofMessages;
  }

  /** Registers {@code llm_generate_row} and its siblings. */
  public static void register(SparkSession spark) {
    Function<String, Optional<String>> session =
        key -> Optional.ofNullable(spark.conf().get(key, null));
    OptionValues values = new OptionValues("llm_*_row", Map.of(), session);
    InferenceOptions text = values.inference(false);
    InferenceOptions messages = values.inference(true);
    Task.Embed embed = new Task.Embed(Task.Pooling.MEAN, true);
    register(
        spark,
        new LlmTask.Generate("llm_generate", text),
        new LlmTask.Generate("llm_generate", messages));
    register(
        spark,
        new LlmTask.Classify(text, List.of(), "", Task.Length.SUM),
        new LlmTask.Classify(messages, List.of(), "", Task.Length.SUM));
    register(spark, new LlmTask.Score(text, ""), new LlmTask.Score(messages, ""));
    register(spark, new LlmTask.Embed(text, embed), new LlmTask.Embed(messages, embed));
  }

  private static void register(SparkSession spark, LlmTask ofText, LlmTask ofMessages) {
    RowFunction function = new RowFunction(ofText, ofMessages);
    String name = ofText.function() + "_row";
    switch (ofText) {
      case LlmTask.Generate _, LlmTask.Embed _, LlmTask.CountTokens _ ->
          spark.udf().register(name, (UDF1<Object, Row>) function, ofText.type());
      case LlmTask.Classify _, LlmTask.Score _ ->
          spark.udf().register(name, (UDF2<Object, Object, Row>) function, ofText.type());
    }
  }

  @Override
  public Row call(Object prompt) {
    return prompt == null ? null : answer(List.of(prompt));
  }

  @Override
  public Row call(Object prompt, Object second) {
    return prompt == null || second == null ? null : answer(List.of(prompt, second));
  }

  private Row answer(List<Object> values) {
    LlmTask task = values.getFirst() instanceof String ? ofText : ofMessages;
    StructType types = new StructType();
    for (int i = 0; i < values.size(); i++) {
      types = types.add(i == 0 ? RequestReader.PROMPT : "argument", typeOf(values.get(i)));
    }
    RequestReader reader = new RequestReader(task, types);
    GenerationRequest request =
        reader.request(new EvaluatePartition.Item(null, RowFactory.create(values.toArray())));
    try (ExecutorEngines.Lease lease =
        ExecutorEngines.acquire(task.options().model(), task.options().engine())) {
      GenerationResult result = lease.engine().generate(List.of(request)).getFirst();
      if (result.error() != null && task.options().errorMode() == ErrorMode.FAIL_FAST) {
        throw new EngineException(result.error().code(), result.error().message());
      }
      return RequestReader.value(task, result);
    }
  }

  private static DataType typeOf(Object value) {
    if (value instanceof scala.collection.Seq<?> list) {
      Object first = list.isEmpty() ? "" : list.head();
      return DataTypes.createArrayType(
          first instanceof Row row ? row.schema() : DataTypes.StringType);
    }
    return DataTypes.StringType;
  }
}
