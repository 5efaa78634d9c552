package dev.nightjar.engine.kernel;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import jdk.incubator.vector.FloatVector;

/**
 * Prints GFLOP/s of {@link Kernels#matmul} and {@link Kernels#attend} on one thread, and their
 * share of a loop of multiply-adds in registers only that runs beside each measurement. Arguments:
 * element types (default {@code F16 F32 Q8_0}).
 *
 * <p>{@code java --add-modules jdk.incubator.vector -cp ... dev.nightjar.engine.kernel.KernelBench
 * F16}
 */
final class KernelBench {
  private static final int[][] SHAPES = {{512, 192}, {192, 512}, {2048, 192}, {2048, 2048}};
  private static final int[] ROWS = {1, 4, 8, 32, 128};
  private static final long WINDOW_NANOS = 8_000_000;
  private static final int WINDOWS = 9;
  private static float sink;

  private KernelBench() {}

  public static void main(String[] args) {
    List<DType> dtypes = new ArrayList<>();
    for (String arg : args) {
      dtypes.add(DType.valueOf(arg));
    }
    if (dtypes.isEmpty()) {
      dtypes.addAll(List.of(DType.F16, DType.F32, DType.Q8_0));
    }
    Kernels kernels = Kernels.best();
    System.out.println(kernels.description());
    for (int warmUp = 0; warmUp < 3000; warmUp++) {
      multiplyAdds(1000);
    }
    for (int pass = 0; pass < 2; pass++) {
      for (DType dtype : dtypes) {
        for (int[] shape : SHAPES) {
          run(kernels, dtype, shape[0], shape[1], pass > 0);
        }
      }
    }
    for (KvType type : KvType.values()) {
      for (int group : new int[] {1, 3, 4, 8}) {
        KvLayout layout = new KvLayout(type, 3, 64);
        attend(kernels, layout, 512, group, 1);
        attend(kernels, layout, 8192, group, 1);
        attend(kernels, layout, 512, group, 64);
      }
    }
    System.out.println("sink " + sink);
  }

  private static void run(Kernels kernels, DType dtype, int outputs, int inputs, boolean print) {
    StringBuilder line =
        new StringBuilder(String.format("%-5s N=%-5d K=%-5d", dtype, outputs, inputs));
    Random random = new Random(1);
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w = PackedMatrix.pack(weights(random, dtype, outputs, inputs), arena);
      Scratch scratch = kernels.newScratch();
      for (int rows : ROWS) {
        float[] x = KernelFixtures.gaussian(random, rows * inputs);
        float[] out = new float[rows * outputs];
        double flops = 2.0 * rows * outputs * inputs;
        double best = 0;
        double ceiling = 0;
        for (int window = 0; window < WINDOWS; window++) {
          long start = System.nanoTime();
          long calls = 0;
          while (System.nanoTime() - start < WINDOW_NANOS) {
            kernels.matmul(w, x, inputs, rows, out, outputs, scratch);
            calls++;
          }
          best = Math.max(best, calls * flops / (System.nanoTime() - start));
          ceiling = Math.max(ceiling, ceiling());
        }
        line.append(String.format(" | M=%-3d %6.1f %3.0f%%", rows, best, 100 * best / ceiling));
      }
    }
    if (print) {
      System.out.println(line);
    }
  }

  private static void attend(Kernels kernels, KvLayout layout, int length, int group, int rows) {
    Random random = new Random(1);
    AttentionShape shape = new AttentionShape(layout, group, 0.125f);
    MemorySegment[] pages = KernelFixtures.pages(random, layout, length);
    float[] q = KernelFixtures.gaussian(random, rows * shape.queryDim());
    float[] out = new float[q.length];
    int[] visible = new int[rows];
    for (int row = 0; row < rows; row++) {
      visible[row] = length - rows + 1 + row;
    }
    Scratch scratch = kernels.newScratch();
    double best = 0;
    double ceiling = 0;
    for (int window = 0; window < 3 * WINDOWS; window++) {
      long start = System.nanoTime();
      long calls = 0;
      while (System.nanoTime() - start < WINDOW_NANOS) {
        kernels.attend(shape, q, out, 0, rows, pages, visible, scratch);
        calls++;
      }
      double flops = 4.0 * shape.queryDim() * length * rows * calls;
      best = Math.max(best, flops / (System.nanoTime() - start));
      ceiling = Math.max(ceiling, ceiling());
    }
    double bytes = (double) length * layout.entryBytes() / (4.0 * shape.queryDim() * length * rows);
    System.out.printf(
        "attend %-4s D=%d T=%-4d group=%d rows=%-2d %6.1f %3.0f%% %6.1f GB/s%n",
        layout.type(),
        layout.headDim(),
        length,
        group,
        rows,
        best,
        100 * best / ceiling,
        best * bytes);
  }

  /** Weights as in trained models: few of the halves are subnormal. */
  private static Tensor weights(Random random, DType dtype, int outputs, int inputs) {
    Tensor t = KernelFixtures.tensor(random, dtype, outputs, inputs);
    if (dtype == DType.F16) {
      for (long i = 0; i < t.elements(); i++) {
        short half = Float.floatToFloat16((float) random.nextGaussian() * 0.05f);
        t.data().set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, half);
      }
    }
    return t;
  }

  private static double ceiling() {
    int steps = 20_000;
    long start = System.nanoTime();
    multiplyAdds(steps);
    return 2.0 * 16 * Lanes.COUNT * steps / (System.nanoTime() - start);
  }

  /** Sixteen independent chains of multiply-adds. */
  private static void multiplyAdds(int steps) {
    FloatVector a = FloatVector.broadcast(Lanes.FLOATS, 0.999f);
    FloatVector b = FloatVector.broadcast(Lanes.FLOATS, 0.001f);
    FloatVector s0 = b;
    FloatVector s1 = b;
    FloatVector s2 = b;
    FloatVector s3 = b;
    FloatVector s4 = b;
    FloatVector s5 = b;
    FloatVector s6 = b;
    FloatVector s7 = b;
    FloatVector t0 = b;
    FloatVector t1 = b;
    FloatVector t2 = b;
    FloatVector t3 = b;
    FloatVector t4 = b;
    FloatVector t5 = b;
    FloatVector t6 = b;
    FloatVector t7 = b;
    for (int i = 0; i < steps; i++) {
      s0 = s0.fma(a, b);
      s1 = s1.fma(a, b);
      s2 = s2.fma(a, b);
      s3 = s3.fma(a, b);
      s4 = s4.fma(a, b);
      s5 = s5.fma(a, b);
      s6 = s6.fma(a, b);
      s7 = s7.fma(a, b);
      t0 = t0.fma(a, b);
      t1 = t1.fma(a, b);
      t2 = t2.fma(a, b);
      t3 = t3.fma(a, b);
      t4 = t4.fma(a, b);
      t5 = t5.fma(a, b);
      t6 = t6.fma(a, b);
      t7 = t7.fma(a, b);
    }
    sink += s0.add(s1).add(s2).add(s3).add(s4).add(s5).add(s6).add(s7).lane(0);
    sink += t0.add(t1).add(t2).add(t3).add(t4).add(t5).add(t6).add(t7).lane(0);
  }
}
