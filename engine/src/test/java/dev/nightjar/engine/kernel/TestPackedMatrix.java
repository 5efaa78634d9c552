package dev.nightjar.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TestPackedMatrix {
  @ParameterizedTest
  @EnumSource(DType.class)
  void rowsEqualTheTensorsRowsInTheOrderAskedFor(DType dtype) {
    for (int rows : new int[] {1, 15, 16, 17, 70}) {
      for (int some : new int[] {32, 96, 544}) {
        int columns = KernelFixtures.whole(dtype, some);
        Tensor t = KernelFixtures.tensor(new Random(rows), dtype, rows, columns);
        float[] expected = new float[columns];
        float[] actual = new float[columns + 2];
        try (Arena arena = Arena.ofConfined()) {
          PackedMatrix packed = PackedMatrix.pack(t, r -> rows - 1 - r, arena);
          assertThat(packed.rows()).isEqualTo(rows);
          assertThat(packed.columns()).isEqualTo(columns);
          assertThat(packed.dtype()).isEqualTo(dtype);
          for (int r = 0; r < rows; r++) {
            t.readRow(rows - 1 - r, expected, 0);
            packed.readRow(r, actual, 1);
            if (dtype == DType.Q4_0 || dtype == DType.Q3_K) {
              positiveZeros(expected);
            }
            KernelFixtures.assertSameBits(
                java.util.Arrays.copyOfRange(actual, 1, columns + 1),
                expected,
                dtype + " row " + r);
          }
        }
      }
    }
  }

  private static void positiveZeros(float[] x) {
    for (int i = 0; i < x.length; i++) {
      x[i] += 0f;
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void groupsAreAlignedAndSizeIsCloseToTheTensors(DType dtype) {
    Tensor t = KernelFixtures.tensor(new Random(1), dtype, 160, 512);
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix packed = PackedMatrix.pack(t, arena);
      assertThat(packed.data().address() % 64).isZero();
      assertThat(packed.offset(1, 0) % 64).isZero();
      assertThat(packed.byteSize())
          .isGreaterThanOrEqualTo(t.data().byteSize())
          .isLessThanOrEqualTo(64 + (long) (160 * 512 / 8 * packedBits(dtype)));
    }
  }

  /** Bits of a packed weight, scales included. */
  private static double packedBits(DType dtype) {
    return switch (dtype) {
      case F32 -> 32;
      case F16, BF16 -> 16;
      case Q8_0, Q5_0, IQ4_NL, IQ4_XS -> 9;
      case Q5_1 -> 10;
      case Q5_K -> 8.75;
      case Q6_K -> 8.625;
      case Q4_1 -> 6;
      case Q2_K -> 5.25;
      case Q4_0 -> 5;
      case Q4_K -> 4.75;
      case Q3_K -> 4.625;
    };
  }

  @Test
  void everyHalfKeepsItsValue() {
    int columns = 4096;
    short[] halves = new short[16 * columns];
    for (int i = 0; i < halves.length; i++) {
      halves[i] = (short) i;
    }
    MemorySegment data = MemorySegment.ofArray(halves);
    float[] row = new float[columns];
    float[] unit = new float[columns];
    float[] out = new float[16];
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix packed =
          PackedMatrix.pack(new Tensor("w", DType.F16, new long[] {16, columns}, data), arena);
      for (int r = 0; r < 16; r++) {
        packed.readRow(r, row, 0);
        for (int k = 0; k < columns; k++) {
          assertThat(KernelFixtures.bits(row[k]))
              .isEqualTo(KernelFixtures.bits(Float.float16ToFloat(halves[r * columns + k])));
        }
      }
      // The vector path, seen through a product with a unit vector; finite columns only.
      Kernels vector = new VectorKernels();
      Scratch scratch = vector.newScratch();
      unit[5] = 1f;
      PackedMatrix small =
          PackedMatrix.pack(
              new Tensor("w", DType.F16, new long[] {16, 1024}, data.asSlice(0, 2 * 16 * 1024)),
              arena);
      vector.matmul(small, unit, 1024, 1, out, 16, scratch);
      assertThat(out[0]).isEqualTo(Float.float16ToFloat((short) 5));
      assertThat(out[3]).isEqualTo(Float.float16ToFloat((short) (3 * 1024 + 5)));
    }
  }

  @Test
  void floatsAreKeptAsTheyAre() {
    float[] w = KernelFixtures.gaussian(new Random(4), 5 * 7);
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix packed = PackedMatrix.ofFloats(w, 5, 7, arena);
      float[] row = new float[7];
      for (int r = 0; r < 5; r++) {
        packed.readRow(r, row, 0);
        assertThat(row).isEqualTo(java.util.Arrays.copyOfRange(w, r * 7, r * 7 + 7));
      }
    }
  }

  @Test
  void wrongSizesAreNamed() {
    try (Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> PackedMatrix.ofFloats(new float[5], 2, 3, arena))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("found 5 weights, expected 2 x 3");
      Tensor ragged =
          new Tensor("w", DType.Q8_0, new long[] {2, 16}, MemorySegment.ofArray(new byte[34]));
      assertThatThrownBy(() -> PackedMatrix.pack(ragged, arena))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("w Q8_0[2, 16] has rows of 16 elements, expected a multiple of 32");
      Tensor t = KernelFixtures.tensor(new Random(1), DType.F32, 2, 3);
      assertThatThrownBy(() -> PackedMatrix.pack(t, r -> r + 1, arena))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("w F32[2, 3]: packed row 1 asks for source row 2, expected 0 to 1");
    }
  }
}
