package dev.nightjar.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

class TestTensor {
  @Test
  void rowsAreAllDimensionsButTheInnermost() {
    Tensor tensor = f32(new long[] {2, 3, 4}, new float[24]);
    assertThat(tensor.rows()).isEqualTo(6);
    assertThat(tensor.columns()).isEqualTo(4);
    assertThat(tensor.elements()).isEqualTo(24);
  }

  @Test
  void aScalarIsOneRowOfOneColumn() {
    Tensor tensor = f32(new long[0], new float[] {7});
    float[] row = new float[1];
    tensor.readRow(0, row, 0);
    assertThat(tensor.rows()).isEqualTo(1);
    assertThat(row[0]).isEqualTo(7f);
  }

  @Test
  void aTensorWithoutElementsHasNoRows() {
    assertThat(f32(new long[] {5, 0}, new float[0]).rows()).isZero();
    assertThat(f32(new long[] {0, 5}, new float[0]).rows()).isZero();
  }

  @Test
  void readRowReadsThatRowOnly() {
    Tensor tensor = f32(new long[] {3, 2}, new float[] {1, 2, 3, 4, 5, 6});
    float[] out = {-1, -1, -1, -1};
    tensor.readRow(1, out, 1);
    assertThat(out).containsExactly(-1, 3, 4, -1);
  }

  @Test
  void rowsBehindTheEndAreRefused() {
    Tensor tensor = f32(new long[] {3, 2}, new float[] {1, 2, 3, 4, 5, 6});
    assertThatThrownBy(() -> tensor.readRow(3, new float[2], 0))
        .isInstanceOf(IndexOutOfBoundsException.class);
  }

  private static Tensor f32(long[] shape, float[] values) {
    return new Tensor("t", DType.F32, shape, MemorySegment.ofArray(values));
  }
}
