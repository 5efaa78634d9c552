package dev.nightjar.udfs;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The result table's contract: all input columns, then the columns of {@link #columns()}, the last
 * of which, {@value #RUN_DATE}, is the partition column. Times are milliseconds; {@link ResultRows}
 * fills it.
 */
public final class ResultSchema {
  /** The partition column. */
  public static final String RUN_DATE = "run_date";

  /** {@code status} of a row with an answer. */
  public static final String OK = "ok";

  /** {@code status} of a row with {@code error} set. */
  public static final String ERROR = "error";

  /** {@code status} of a row whose prompt was null. */
  public static final String SKIPPED_NULL = "skipped_null";

  private static final StructType ERROR_TYPE =
      new StructType()
          .add("code", DataTypes.StringType)
          .add("message", DataTypes.StringType)
          .add("retriable", DataTypes.BooleanType);

  private static final StructType USAGE_TYPE =
      new StructType()
          .add("prompt_tokens", DataTypes.IntegerType)
          .add("completion_tokens", DataTypes.IntegerType)
          .add("total_tokens", DataTypes.IntegerType)
          .add(
              "prompt_tokens_details",
              new StructType().add("cached_tokens", DataTypes.IntegerType));

  private static final StructType ALTERNATIVE_TYPE =
      new StructType()
          .add("token_id", DataTypes.IntegerType)
          .add("token", DataTypes.StringType)
          .add("logprob", DataTypes.FloatType);

  private static final StructType LOGPROB_TYPE =
      ALTERNATIVE_TYPE.add("top_logprobs", DataTypes.createArrayType(ALTERNATIVE_TYPE));

  private static final StructType METRICS_TYPE =
      new StructType()
          .add("queue_time_ms", DataTypes.DoubleType)
          .add("prefill_time_ms", DataTypes.DoubleType)
          .add("time_to_first_token_ms", DataTypes.DoubleType)
          .add("decode_time_ms", DataTypes.DoubleType)
          .add("e2e_latency_ms", DataTypes.DoubleType)
          .add("time_per_output_token_ms", DataTypes.DoubleType)
          .add("cpu_time_ms", DataTypes.DoubleType)
          .add("mean_batch_size", DataTypes.FloatType);

  private static final StructType COMPUTE_TYPE =
      new StructType()
          .add("depth_policy", DataTypes.StringType)
          .add("num_hidden_layers", DataTypes.IntegerType)
          .add("layers_executed", DataTypes.LongType)
          .add("layers_skipped", DataTypes.LongType)
          .add("layers_exited", DataTypes.LongType)
          .add("layers_executed_prefill", DataTypes.LongType)
          .add("layers_skipped_prefill", DataTypes.LongType)
          .add("attn_skipped", DataTypes.LongType)
          .add("mlp_skipped", DataTypes.LongType)
          .add("mean_layers_per_token", DataTypes.FloatType)
          .add("early_exit_tokens", DataTypes.IntegerType)
          .add("mean_exit_layer", DataTypes.FloatType)
          .add("min_exit_layer", DataTypes.IntegerType)
          .add("exit_layer_histogram", DataTypes.createArrayType(DataTypes.IntegerType))
          .add("layer_executions", DataTypes.createArrayType(DataTypes.LongType))
          .add("kv_bytes", DataTypes.LongType)
          .add("kv_bytes_full", DataTypes.LongType)
          .add("flops", DataTypes.DoubleType)
          .add("flops_full", DataTypes.DoubleType)
          .add("compute_saved", DataTypes.FloatType)
          .add("drafted_tokens", DataTypes.IntegerType)
          .add("accepted_tokens", DataTypes.IntegerType);

  private static final StructType PLACEMENT_TYPE =
      new StructType()
          .add("host", DataTypes.StringType)
          .add("executor_id", DataTypes.StringType)
          .add("stage_id", DataTypes.IntegerType)
          .add("partition_id", DataTypes.IntegerType)
          .add("task_attempt_id", DataTypes.LongType)
          .add("attempt_number", DataTypes.IntegerType)
          .add("engine_version", DataTypes.StringType)
          .add("vector_species", DataTypes.StringType);

  private static final StructType COLUMNS =
      new StructType()
          .add("run_id", DataTypes.StringType)
          .add("custom_id", DataTypes.StringType)
          .add("request_hash", DataTypes.StringType)
          .add("model", DataTypes.StringType)
          .add("model_fingerprint", DataTypes.StringType)
          .add("status", DataTypes.StringType)
          .add("text", DataTypes.StringType)
          .add("parsed", DataTypes.StringType)
          .add("finish_reason", DataTypes.StringType)
          .add("stop_reason", DataTypes.StringType)
          .add("error", ERROR_TYPE)
          .add("usage", USAGE_TYPE)
          .add("cumulative_logprob", DataTypes.DoubleType)
          .add("logprobs", DataTypes.createArrayType(LOGPROB_TYPE))
          .add("metrics", METRICS_TYPE)
          .add("compute", COMPUTE_TYPE)
          .add("placement", PLACEMENT_TYPE)
          .add("options", DataTypes.StringType)
          .add("started_at", DataTypes.TimestampType)
          .add("finished_at", DataTypes.TimestampType)
          .add(RUN_DATE, DataTypes.DateType);

  private ResultSchema() {}

  /** The result columns alone, {@value #RUN_DATE} last. */
  public static StructType columns() {
    return COLUMNS;
  }

  /** The type of the {@code compute} column. */
  public static StructType computeType() {
    return COMPUTE_TYPE;
  }

  /**
   * The input's columns followed by the result columns.
   *
   * @throws EngineException when an input column has the name of a result column, not minding case
   */
  public static StructType of(StructType input) {
    List<String> clashes = new ArrayList<>();
    StructType schema = new StructType();
    for (StructField field : input.fields()) {
      if (PromptReader.find(COLUMNS, field.name()) >= 0) {
        clashes.add(field.name());
      }
      schema = schema.add(field);
    }
    if (!clashes.isEmpty()) {
      String name = clashes.getFirst();
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "input column "
              + (clashes.size() == 1 ? "'" + name + "' has" : "names " + clashes + " have")
              + " the name of a result column; rename it in the input query, for example SELECT `"
              + name
              + "` AS input_"
              + name
              + ", ... FROM input");
    }
    for (StructField field : COLUMNS.fields()) {
      schema = schema.add(field);
    }
    return schema;
  }
}
