package dev.nightjar.engine.kernel;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.Arena;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TestRowSelection {
  @ParameterizedTest
  @EnumSource(DType.class)
  void productsWithSelectedRowsEqualThoseWithTheWholeMatrix(DType dtype) {
    Random random = new Random(5);
    int rows = 300;
    int columns = KernelFixtures.whole(dtype, 96);
    float[] x = KernelFixtures.gaussian(random, columns);
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix whole =
          PackedMatrix.pack(KernelFixtures.tensor(random, dtype, rows, columns), arena);
      for (Kernels kernels : new Kernels[] {new ScalarKernels(), Kernels.best()}) {
        float[] all = new float[rows];
        kernels.matmul(whole, x, columns, 1, all, rows, kernels.newScratch());
        for (int count : new int[] {1, 15, 64, 130}) {
          RowSelection selection = new RowSelection(count, columns);
          for (int round = 0; round < 2; round++) {
            int[] ids = random.ints(count + 3, 0, rows).toArray();
            selection.select(whole, ids, 3);
            float[] some = new float[count];
            kernels.matmul(selection.matrix(), x, columns, 1, some, count, kernels.newScratch());
            float[] expected = new float[count];
            for (int i = 0; i < count; i++) {
              expected[i] = all[ids[i + 3]];
            }
            KernelFixtures.assertSameBits(some, expected, dtype + " " + count);
          }
        }
      }
    }
  }

  @Test
  void rowsOfAnotherWidthAreRefused() {
    PackedMatrix source = PackedMatrix.ofFloats(new float[8], 2, 4, Arena.ofAuto());
    assertThatThrownBy(() -> new RowSelection(1, 5).select(source, new int[1], 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected 5");
  }
}
