package dev.nightjar.engine.kernel;

import static dev.nightjar.engine.kernel.KernelFixtures.assertSameBits;
import static dev.nightjar.engine.kernel.KernelFixtures.gaussian;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Several matrices at once against the scalar oracle with one after the other, bit for bit. */
class TestProducts {
  /** With many rows, more than are taken at a time. */
  private static final int COLUMNS = 2304;

  private static final int[] OUTPUTS = {96, 33, 1, 64, 80};

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5, 8, 12, 33, 140})
  void equalProductsWithOneMatrixEach(int rows) {
    Random random = new Random(rows);
    float[] x = gaussian(random, rows * COLUMNS);
    Kernels scalar = new ScalarKernels();
    try (Arena arena = Arena.ofShared()) {
      List<PackedMatrix> matrices = new ArrayList<>();
      for (DType dtype : DType.values()) {
        int outputs = OUTPUTS[matrices.size() % OUTPUTS.length];
        matrices.add(
            PackedMatrix.pack(KernelFixtures.tensor(random, dtype, outputs, COLUMNS), arena));
      }
      List<float[]> expected = outputs(matrices, rows);
      for (int i = 0; i < matrices.size(); i++) {
        PackedMatrix w = matrices.get(i);
        float[] out = expected.get(i);
        scalar.matmul(w, x, COLUMNS, rows, out, w.rows(), scalar.newScratch());
      }
      check(Kernels.best(), matrices, x, rows, expected);
      for (int size = 2; size <= 4; size++) {
        try (ParallelKernels parallel = ParallelKernels.withTeams(Kernels.best(), size, 1)) {
          check(parallel, matrices, x, rows, expected);
        }
      }
    }
  }

  private static void check(
      Kernels kernels, List<PackedMatrix> matrices, float[] x, int rows, List<float[]> expected) {
    List<float[]> actual = outputs(matrices, rows);
    Products products = new Products();
    for (int i = 0; i < matrices.size(); i++) {
      products.add(matrices.get(i), actual.get(i));
    }
    kernels.matmul(products, x, COLUMNS, rows, kernels.newScratch());
    for (int i = 0; i < matrices.size(); i++) {
      assertSameBits(actual.get(i), expected.get(i), matrices.get(i).dtype() + ", " + rows);
    }
  }

  private static List<float[]> outputs(List<PackedMatrix> matrices, int rows) {
    return matrices.stream().map(w -> new float[rows * w.rows()]).toList();
  }

  @Test
  void allMatricesHaveAsManyColumns() {
    try (Arena arena = Arena.ofConfined()) {
      Products products = new Products();
      products.add(PackedMatrix.ofFloats(new float[64], 2, 32, arena), new float[2]);
      PackedMatrix narrow = PackedMatrix.ofFloats(new float[32], 2, 16, arena);
      assertThatThrownBy(() -> products.add(narrow, new float[2]))
          .hasMessage("found 16 columns beside 32, expected as many");
      products.clear();
      products.add(narrow, new float[2]);
    }
  }
}
