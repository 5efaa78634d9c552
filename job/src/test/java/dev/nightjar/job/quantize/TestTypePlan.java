package dev.nightjar.job.quantize;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TestTypePlan {
  private static final TypePlan PLAN =
      new TypePlan(DType.Q4_K, DType.Q6_K, DType.Q8_0, Set.of(1, 4), 3);

  @ParameterizedTest
  @CsvSource({
    "blk.0.attn_q.weight, Q4_K",
    "blk.1.attn_q.weight, Q8_0",
    "blk.1.ffn_up.weight, Q8_0",
    "blk.2.ffn_up.weight, Q4_K",
    "model.layers.1.self_attn.o_proj.weight, Q8_0",
    "model.layers.1.mlp.down_proj.weight, Q8_0",
    "model.layers.0.mlp.down_proj.weight, Q4_K",
    "token_embd.weight, Q6_K",
    "lm_head.weight, Q6_K",
    "blk.0.attn_q.bias, F16",
    "blk.0.attn_norm.weight, F16",
    "blk.0.ffn_gate_inp.weight, F16",
    "model.layers.0.mlp.gate.weight, F16",
    "model.layers.0.mlp.gate_proj.weight, Q4_K",
  })
  void typeFollowsFromTheName(String name, DType expected) {
    assertThat(PLAN.of(tensor(name, 8, 512))).isEqualTo(expected);
  }

  @Test
  void vectorsStayAsTheyAre() {
    assertThat(PLAN.of(tensor("blk.0.attn_q.weight", 512))).isEqualTo(DType.F16);
  }

  @ParameterizedTest
  @CsvSource({
    "Q4_K, 96, Q5_0",
    "Q5_K, 96, Q5_1",
    "Q6_K, 96, Q8_0",
    "Q2_K, 96, IQ4_NL",
    "IQ4_XS, 96, IQ4_NL",
    "Q4_0, 96, Q4_0",
    "Q4_0, 100, F16",
    "Q4_K, 100, F16",
  })
  void rowsThatAreNotWholeBlocksGetTheNearestType(DType type, int columns, DType expected) {
    TypePlan plan = new TypePlan(type, type, type, Set.of(), 1);
    assertThat(plan.of(tensor("blk.0.ffn_down.weight", 8, columns))).isEqualTo(expected);
  }

  private static Tensor tensor(String name, long... shape) {
    return new Tensor(name, DType.F16, shape, MemorySegment.NULL);
  }
}
