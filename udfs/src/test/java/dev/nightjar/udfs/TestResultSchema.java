package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;

class TestResultSchema {
  @Test
  void columnsAreThoseOfTheContract() {
    assertThat(ResultSchema.columns().fieldNames())
        .containsExactly(
            "run_id",
            "custom_id",
            "request_hash",
            "model",
            "model_fingerprint",
            "status",
            "text",
            "parsed",
            "finish_reason",
            "stop_reason",
            "error",
            "usage",
            "cumulative_logprob",
            "logprobs",
            "metrics",
            "compute",
            "placement",
            "options",
            "started_at",
            "finished_at",
            "run_date");
    assertThat(AnswerTypes.COMPUTE.toDDL())
        .isEqualTo(
            "depth_policy STRING,num_hidden_layers INT,layers_executed BIGINT,layers_skipped"
                + " BIGINT,layers_exited BIGINT,layers_executed_prefill"
                + " BIGINT,layers_skipped_prefill BIGINT,attn_skipped BIGINT,mlp_skipped"
                + " BIGINT,mean_layers_per_token FLOAT,early_exit_tokens INT,mean_exit_layer"
                + " FLOAT,min_exit_layer INT,exit_layer_histogram ARRAY<INT>,layer_executions"
                + " ARRAY<BIGINT>,kv_bytes BIGINT,kv_bytes_full BIGINT,flops DOUBLE,flops_full"
                + " DOUBLE,compute_saved FLOAT,drafted_tokens INT,accepted_tokens INT");
    assertThat(ResultSchema.columns().apply("usage").dataType().simpleString())
        .isEqualTo(
            "struct<prompt_tokens:int,completion_tokens:int,total_tokens:int,"
                + "prompt_tokens_details:struct<cached_tokens:int>>");
    assertThat(ResultSchema.columns().apply("error").dataType().simpleString())
        .isEqualTo("struct<code:string,message:string,retriable:boolean>");
  }

  @Test
  void inputColumnsComeFirst() {
    StructType schema = ResultSchema.of(StructType.fromDDL("id INT, body STRING"));
    assertThat(schema.fieldNames()).startsWith("id", "body", "run_id").endsWith("run_date");
  }

  @Test
  void inputColumnWithTheNameOfAResultColumnIsToldWithTheCure() {
    assertThatThrownBy(() -> ResultSchema.of(StructType.fromDDL("id INT, Text STRING")))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("input column 'Text' has the name of a result column")
        .hasMessageContaining("SELECT `Text` AS input_Text");
    assertThatThrownBy(() -> ResultSchema.of(StructType.fromDDL("model INT, text STRING")))
        .hasMessageContaining("[model, text]");
  }
}
