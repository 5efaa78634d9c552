package dev.nightjar.udfs;

import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;

/**
 * The structs that SQL functions return, and the parts that they share with the result table. Times
 * are milliseconds; {@link AnswerRows} fills them.
 */
public final class AnswerTypes {
  private static final StructType ERROR =
      new StructType()
          .add("code", DataTypes.StringType)
          .add("message", DataTypes.StringType)
          .add("retriable", DataTypes.BooleanType);

  private static final StructType USAGE =
      new StructType()
          .add("prompt_tokens", DataTypes.IntegerType)
          .add("completion_tokens", DataTypes.IntegerType)
          .add("total_tokens", DataTypes.IntegerType)
          .add(
              "prompt_tokens_details",
              new StructType().add("cached_tokens", DataTypes.IntegerType));

  private static final StructType ALTERNATIVE =
      new StructType()
          .add("token_id", DataTypes.IntegerType)
          .add("token", DataTypes.StringType)
          .add("logprob", DataTypes.FloatType);

  private static final StructType LOGPROB =
      ALTERNATIVE.add("top_logprobs", DataTypes.createArrayType(ALTERNATIVE));

  private static final StructType METRICS =
      new StructType()
          .add("queue_time_ms", DataTypes.DoubleType)
          .add("prefill_time_ms", DataTypes.DoubleType)
          .add("time_to_first_token_ms", DataTypes.DoubleType)
          .add("decode_time_ms", DataTypes.DoubleType)
          .add("e2e_latency_ms", DataTypes.DoubleType)
          .add("time_per_output_token_ms", DataTypes.DoubleType)
          .add("cpu_time_ms", DataTypes.DoubleType)
          .add("mean_batch_size", DataTypes.FloatType);

  /** The {@code compute} column: what the row cost. */
  public static final StructType COMPUTE =
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

  /** Of {@code llm_generate} and {@code llm_extract}: the answer columns of the result table. */
  public static final StructType GENERATION =
      new StructType()
          .add("text", DataTypes.StringType)
          .add("parsed", DataTypes.StringType)
          .add("finish_reason", DataTypes.StringType)
          .add("stop_reason", DataTypes.StringType)
          .add("error", ERROR)
          .add("usage", USAGE)
          .add("cumulative_logprob", DataTypes.DoubleType)
          .add("logprobs", DataTypes.createArrayType(LOGPROB))
          .add("metrics", METRICS)
          .add("compute", COMPUTE);

  /** Of {@code llm_classify}. */
  public static final StructType CHOICE =
      withCommon(
          new StructType()
              .add("label", DataTypes.StringType)
              .add("probability", DataTypes.DoubleType)
              .add(
                  "scores",
                  DataTypes.createArrayType(
                      new StructType()
                          .add("label", DataTypes.StringType)
                          .add("probability", DataTypes.DoubleType)
                          .add("logprob", DataTypes.DoubleType)
                          .add("tokens", DataTypes.IntegerType))));

  /** Of {@code llm_score}. */
  public static final StructType LIKELIHOOD =
      withCommon(
          new StructType()
              .add("logprob", DataTypes.DoubleType)
              .add("mean_logprob", DataTypes.DoubleType)
              .add("token_logprobs", DataTypes.createArrayType(DataTypes.FloatType)));

  /** Of {@code llm_embed}. */
  public static final StructType EMBEDDING =
      withCommon(
          new StructType().add("vector", DataTypes.createArrayType(DataTypes.FloatType, false)));

  private AnswerTypes() {}

  private static StructType withCommon(StructType own) {
    return own.add("error", ERROR)
        .add("usage", USAGE)
        .add("metrics", METRICS)
        .add("compute", COMPUTE);
  }
}
