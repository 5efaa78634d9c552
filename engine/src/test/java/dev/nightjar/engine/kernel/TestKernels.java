package dev.nightjar.engine.kernel;

import static dev.nightjar.engine.kernel.KernelFixtures.assertSameBits;
import static dev.nightjar.engine.kernel.KernelFixtures.gaussian;
import static dev.nightjar.engine.kernel.KernelFixtures.guarded;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Vector kernels against the scalar oracle, bit for bit. */
class TestKernels {
  private static final int[] ROWS = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 19, 31, 33};

  private final Kernels scalar = new ScalarKernels();
  private final Kernels vector = new VectorKernels();

  static IntStream sizes() {
    return IntStream.concat(
        IntStream.rangeClosed(1, 33),
        IntStream.of(63, 64, 65, 127, 129, 576, 1023, 1025, 2049, 4097, 4098));
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void matmulMatchesScalarForEveryRowCount(DType dtype) {
    for (int rows : ROWS) {
      checkMatmul(dtype, 80, 96, rows, rows);
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void matmulMatchesScalarForEveryNumberOfOutputs(DType dtype) {
    for (int outputs : new int[] {1, 2, 3, 15, 16, 17, 31, 33, 48, 63, 64, 65, 79, 112, 129, 257}) {
      checkMatmul(dtype, outputs, 64, 3, outputs);
      checkMatmul(dtype, outputs, 64, 7, outputs);
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void matmulMatchesScalarForEveryNumberOfInputs(DType dtype) {
    for (int inputs : sizes().toArray()) {
      int whole = inputs * dtype.blockElements();
      if (whole <= 4200) {
        checkMatmul(dtype, 33, whole, 1, inputs);
        checkMatmul(dtype, 33, whole, 2, inputs);
        checkMatmul(dtype, 65, whole, 8, inputs);
      }
    }
  }

  /** More rows and columns than are taken at a time. */
  @ParameterizedTest
  @EnumSource(DType.class)
  void matmulMatchesScalarForLargeShapes(DType dtype) {
    checkMatmul(dtype, 33, 5024, 140, 1);
    checkMatmul(dtype, 70, 2080, 271, 2);
  }

  private void checkMatmul(DType dtype, int outputs, int columns, int rows, int seed) {
    int inputs = KernelFixtures.whole(dtype, columns);
    Random random = new Random(seed);
    int xStride = inputs + random.nextInt(3);
    int outStride = outputs + random.nextInt(3);
    float[] x = gaussian(random, rows * xStride);
    float[] expected = guarded(rows * outStride + 5);
    float[] actual = expected.clone();
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w =
          PackedMatrix.pack(KernelFixtures.tensor(random, dtype, outputs, inputs), arena);
      scalar.matmul(w, x, xStride, rows, expected, outStride, scalar.newScratch());
      vector.matmul(w, x, xStride, rows, actual, outStride, vector.newScratch());
    }
    assertSameBits(
        actual,
        expected,
        dtype + " [" + outputs + ", " + inputs + "] x " + rows + " rows, seed " + seed);
  }

  @Test
  void matmulMatchesScalarWhenInputsAreNotFinite() {
    Random random = new Random(5);
    int inputs = 256;
    float[] x = gaussian(random, 7 * inputs);
    x[3] = Float.NaN;
    x[70] = Float.POSITIVE_INFINITY;
    x[130] = Float.NEGATIVE_INFINITY;
    x[200] = Float.MAX_VALUE;
    x[201] = Float.MIN_VALUE;
    float[] expected = new float[7 * 64];
    float[] actual = new float[7 * 64];
    for (DType dtype : DType.values()) {
      try (Arena arena = Arena.ofConfined()) {
        PackedMatrix w = PackedMatrix.pack(KernelFixtures.tensor(random, dtype, 64, inputs), arena);
        scalar.matmul(w, x, inputs, 7, expected, 64, scalar.newScratch());
        vector.matmul(w, x, inputs, 7, actual, 64, vector.newScratch());
      }
      assertSameBits(actual, expected, dtype.name());
    }
  }

  @ParameterizedTest
  @EnumSource(DType.class)
  void matmulOfABatchEqualsMatmulOfEachRow(DType dtype) {
    Random random = new Random(17);
    int inputs = KernelFixtures.whole(dtype, 2144);
    int outputs = 72;
    int rows = 33;
    float[] x = gaussian(random, rows * inputs);
    float[] batch = new float[rows * outputs];
    float[] alone = new float[rows * outputs];
    float[] one = new float[outputs];
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w =
          PackedMatrix.pack(KernelFixtures.tensor(random, dtype, outputs, inputs), arena);
      Scratch scratch = vector.newScratch();
      vector.matmul(w, x, inputs, rows, batch, outputs, scratch);
      for (int m = 0; m < rows; m++) {
        float[] row = Arrays.copyOfRange(x, m * inputs, (m + 1) * inputs);
        vector.matmul(w, row, inputs, 1, one, outputs, scratch);
        System.arraycopy(one, 0, alone, m * outputs, outputs);
      }
    }
    assertSameBits(batch, alone, dtype.name());
  }

  @Test
  void matmulEqualsADoublePrecisionProductWithinRounding() {
    Random random = new Random(3);
    int inputs = 300;
    float[] w = gaussian(random, 20 * inputs);
    float[] x = gaussian(random, inputs);
    float[] out = new float[20];
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix packed = PackedMatrix.ofFloats(w, 20, inputs, arena);
      scalar.matmul(packed, x, inputs, 1, out, 20, scalar.newScratch());
    }
    for (int n = 0; n < 20; n++) {
      double sum = 0;
      for (int k = 0; k < inputs; k++) {
        sum += (double) w[n * inputs + k] * x[k];
      }
      assertThat((double) out[n]).isCloseTo(sum, offset(1e-4));
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void rmsNormMatchesScalar(int size) {
    Random random = new Random(size);
    for (int rows = 1; rows <= 3; rows++) {
      int xStride = size + 1;
      int outStride = size + 2;
      float[] x = gaussian(random, rows * xStride);
      float[] weight = gaussian(random, size);
      float[] expected = guarded(rows * outStride + 3);
      float[] actual = expected.clone();
      scalar.rmsNorm(x, xStride, weight, 1e-5f, size, rows, expected, outStride);
      vector.rmsNorm(x, xStride, weight, 1e-5f, size, rows, actual, outStride);
      assertSameBits(actual, expected, "rmsNorm " + size);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 33, 576})
  void rmsNormMayWriteOverItsInput(int size) {
    float[] x = gaussian(new Random(size), 2 * size);
    float[] weight = gaussian(new Random(1), size);
    float[] expected = new float[2 * size];
    vector.rmsNorm(x, size, weight, 1e-5f, size, 2, expected, size);
    vector.rmsNorm(x, size, weight, 1e-5f, size, 2, x, size);
    assertSameBits(x, expected, "in place " + size);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void siluMatchesScalar(int size) {
    float[] expected = Arrays.copyOf(wide(size), size + 2);
    float[] actual = expected.clone();
    float[] up = gaussian(new Random(1), size);
    scalar.silu(expected, size);
    vector.silu(actual, size);
    assertSameBits(actual, expected, "silu " + size);
    scalar.siluMultiply(expected, up, size);
    vector.siluMultiply(actual, up, size);
    assertSameBits(actual, expected, "siluMultiply " + size);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void geluAndSoftCapMatchScalar(int size) {
    float[] expected = Arrays.copyOf(wide(size), size + 2);
    float[] actual = expected.clone();
    float[] up = gaussian(new Random(1), size);
    scalar.geluMultiply(expected, up, size);
    vector.geluMultiply(actual, up, size);
    assertSameBits(actual, expected, "geluMultiply " + size);
    for (int offset : new int[] {0, 1}) {
      scalar.softCap(expected, offset, size, 30f);
      vector.softCap(actual, offset, size, 30f);
      assertSameBits(actual, expected, "softCap " + size + " at " + offset);
    }
  }

  @Test
  void geluAndSoftCapEqualTheirDefinitionsWithinRounding() {
    int count = 4001;
    float[] gelu = new float[count];
    float[] capped = new float[count];
    float[] ones = new float[count];
    for (int i = 0; i < count; i++) {
      gelu[i] = (i - 2000) / 200f;
      capped[i] = (i - 2000) / 10f;
      ones[i] = 1f;
    }
    vector.geluMultiply(gelu, ones, count);
    vector.softCap(capped, 0, count, 20f);
    for (int i = 0; i < count; i++) {
      double x = (i - 2000) / 200f;
      double bent = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
      assertThat((double) gelu[i]).isCloseTo(x / 2 * (1 + Math.tanh(bent)), offset(2e-6));
      double z = (i - 2000) / 10f;
      double y = 20 * Math.tanh(z / 20);
      assertThat((double) capped[i]).isCloseTo(y, offset(1e-6 * Math.abs(y)));
    }
  }

  /** Values far out in both directions, and the special ones. */
  private static float[] wide(int size) {
    float[] x = gaussian(new Random(size), size);
    for (int i = 0; i < size; i++) {
      x[i] *= 40f;
    }
    float[] special = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, 0f, -0f, 1e-40f, 200f, -200f
    };
    for (int i = 0; i < special.length && 2 * i < size; i++) {
      x[2 * i] = special[i];
    }
    return x;
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void addMatchesScalarAtEveryOffset(int size) {
    for (int offset : new int[] {0, 1, 3}) {
      float[] x = gaussian(new Random(size), size + 4);
      float[] expected = gaussian(new Random(2), size + 8);
      float[] actual = expected.clone();
      scalar.add(expected, offset, x, 3 - offset, size);
      vector.add(actual, offset, x, 3 - offset, size);
      assertSameBits(actual, expected, "add " + size + " at " + offset);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4, 6, 8, 16, 30, 32, 48, 64, 66, 80, 128, 130})
  void rotateMatchesScalar(int headDim) {
    Random random = new Random(headDim);
    float[] cos = gaussian(random, headDim / 2 + 5);
    float[] sin = gaussian(random, headDim / 2 + 5);
    float[] expected = gaussian(random, 3 * headDim + 7);
    float[] actual = expected.clone();
    scalar.rotate(expected, 3, 3, headDim, cos, sin, 5);
    vector.rotate(actual, 3, 3, headDim, cos, sin, 5);
    assertSameBits(actual, expected, "rotate " + headDim);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 6, 16, 18, 24, 32, 48, 64, 80, 128})
  void attendMatchesScalar(int headDim) {
    for (KvType type : KvType.values()) {
      for (int length : new int[] {1, 2, 15, 16, 17, 31, 32, 33, 47, 49, 65, 100}) {
        for (int group : new int[] {1, 2, 3, 4, 5, 7, 8, 9}) {
          checkAttend(new KvLayout(type, 2, headDim), length, 1, group, 0.125f);
        }
        for (int rows : new int[] {2, 7, 18, 33}) {
          int group = 1 + (rows + length) % 4;
          checkAttend(new KvLayout(type, 2, headDim), length, rows, group, 0.125f);
        }
      }
    }
  }

  @Test
  void attendMatchesScalarForLargeScoresAndLongContexts() {
    checkAttend(new KvLayout(KvType.F32, 2, 64), 40, 3, 3, 30f);
    checkAttend(new KvLayout(KvType.F32, 2, 64), 40, 3, 1, 1e38f);
    checkAttend(new KvLayout(KvType.F32, 1, 16), 5000, 40, 3, 1f);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 5, 16, 17, 40, 1000})
  void attendMatchesScalarWithinWindows(int window) {
    for (KvType type : KvType.values()) {
      KvLayout layout = new KvLayout(type, 2, 24);
      for (int rows : new int[] {1, 2, 7, 33}) {
        for (int length : new int[] {1, 16, 33, 70}) {
          for (float softCap : new float[] {0f, 2f}) {
            AttentionShape shape = new AttentionShape(layout, 1 + rows % 4, 0.5f, softCap);
            checkAttend(shape, length, rows, window);
          }
        }
      }
    }
  }

  @Test
  void entriesOutsideTheWindowDoNotMatterWhateverTheyAre() {
    KvLayout layout = new KvLayout(KvType.F32, 1, 16);
    AttentionShape shape = new AttentionShape(layout, 2, 0.5f);
    Random random = new Random(4);
    MemorySegment[] pages = KernelFixtures.pages(random, layout, 40);
    float[] q = gaussian(random, 3 * shape.queryDim());
    int[] from = {19, 20, 21};
    int[] visible = {24, 25, 26};
    for (Kernels kernels : new Kernels[] {scalar, vector}) {
      float[] clean = new float[q.length];
      kernels.attend(shape, q, clean, 0, 3, pages, from, visible, kernels.newScratch());
      float[] broken = new float[16];
      Arrays.fill(broken, Float.NaN);
      MemorySegment[] dirty = {copy(pages[0]), copy(pages[1]), copy(pages[2])};
      for (int entry : new int[] {0, 15, 16, 18, 26, 31, 39}) {
        layout.write(dirty[entry / 16], entry % 16, broken, broken, 0);
      }
      float[] same = new float[q.length];
      kernels.attend(shape, q, same, 0, 3, dirty, from, visible, kernels.newScratch());
      assertSameBits(same, clean, kernels.description());
    }
  }

  private static MemorySegment copy(MemorySegment page) {
    return Arena.ofAuto().allocate(page.byteSize(), KvLayout.ALIGNMENT).copyFrom(page);
  }

  private void checkAttend(KvLayout layout, int length, int rows, int group, float scale) {
    checkAttend(new AttentionShape(layout, group, scale), length, rows, Integer.MAX_VALUE);
  }

  private void checkAttend(AttentionShape shape, int length, int rows, int window) {
    KvLayout layout = shape.keysValues();
    Random random = new Random(layout.headDim() * 1000 + length);
    int entries = length + rows - 1;
    int width = shape.queryDim();
    float[] q = gaussian(random, (rows + 1) * width);
    int[] visible = new int[rows + 1];
    int[] from = window == Integer.MAX_VALUE ? null : new int[rows + 1];
    for (int row = 1; row <= rows; row++) {
      visible[row] = length + row - 1;
      if (from != null) {
        from[row] = Math.max(0, visible[row] - window);
      }
    }
    MemorySegment[] pages = KernelFixtures.pages(random, layout, entries);
    float[] expected = guarded((rows + 2) * width);
    scalar.attend(shape, q, expected, 1, rows, pages, from, visible, scalar.newScratch());
    float[] actual = guarded((rows + 2) * width);
    vector.attend(shape, q, actual, 1, rows, pages, from, visible, vector.newScratch());
    assertSameBits(actual, expected, "attend " + shape + " T=" + length + " rows=" + rows);
    float[] alone = guarded((rows + 2) * width);
    vector.attend(shape, q, alone, rows, 1, pages, from, visible, vector.newScratch());
    for (int i = 0; i < alone.length; i++) {
      boolean last = i >= rows * width && i < (rows + 1) * width;
      alone[i] = last ? alone[i] : expected[i];
    }
    assertSameBits(alone, expected, "the last row alone, " + shape + " T=" + length);
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void argmaxAndLogSumExpMatchScalar(int size) {
    Random random = new Random(size);
    for (int offset : new int[] {0, 1, 3}) {
      float[] x = gaussian(random, size + 4);
      checkReductions(x, offset, size);
      x[offset + random.nextInt(size)] = 50f;
      x[offset + random.nextInt(size)] = 50f;
      checkReductions(x, offset, size);
      x[offset + random.nextInt(size)] = Float.NEGATIVE_INFINITY;
      checkReductions(x, offset, size);
      x[offset + random.nextInt(size)] = Float.NaN;
      checkReductions(x, offset, size);
      x[offset + random.nextInt(size)] = Float.POSITIVE_INFINITY;
      checkReductions(x, offset, size);
      Arrays.fill(x, Float.NEGATIVE_INFINITY);
      checkReductions(x, offset, size);
      Arrays.fill(x, Float.NaN);
      checkReductions(x, offset, size);
      Arrays.fill(x, 0f);
      x[offset] = -0f;
      checkReductions(x, offset, size);
    }
  }

  private void checkReductions(float[] x, int offset, int size) {
    assertThat(vector.argmax(x, offset, size)).isEqualTo(scalar.argmax(x, offset, size));
    assertSameBits(
        new float[] {vector.logSumExp(x, offset, size)},
        new float[] {scalar.logSumExp(x, offset, size)},
        "logSumExp " + size + " at " + offset);
  }

  @Test
  void argmaxIsTheLowestIndexOfTheLargestAndNeverNan() {
    float[] x = {Float.NaN, 1f, 3f, Float.NaN, 3f, 2f};
    for (Kernels kernels : new Kernels[] {scalar, vector}) {
      assertThat(kernels.argmax(x, 0, 6)).isEqualTo(2);
      assertThat(kernels.argmax(x, 3, 3)).isEqualTo(1);
      assertThat(kernels.argmax(new float[] {Float.NaN, Float.NEGATIVE_INFINITY}, 0, 2))
          .isEqualTo(1);
    }
  }

  @Test
  void logSumExpMatchesDoublePrecision() {
    float[] x = gaussian(new Random(8), 1000);
    double sum = 0;
    for (float v : x) {
      sum += Math.exp(v);
    }
    assertThat((double) scalar.logSumExp(x, 0, 1000))
        .isCloseTo(Math.log(sum), org.assertj.core.data.Offset.offset(1e-5));
  }
}
