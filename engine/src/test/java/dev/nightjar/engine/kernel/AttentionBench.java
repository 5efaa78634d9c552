package dev.nightjar.engine.kernel;

import dev.nightjar.engine.api.KvType;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/**
 * Prints GFLOP/s of {@link Kernels#attend} on one thread, and their share of a loop of
 * multiply-adds in registers only that runs beside each measurement. Products are measured by
 * {@code nightjar bench kernels}.
 *
 * <p>{@code java --add-modules jdk.incubator.vector -cp ...
 * dev.nightjar.engine.kernel.AttentionBench}
 */
final class AttentionBench {
  private static final long WINDOW_NANOS = 8_000_000;
  private static final int WINDOWS = 27;
  private static final int CEILING_STEPS = 20_000;
  private static float sink;

  private AttentionBench() {}

  public static void main(String[] args) {
    Kernels kernels = Kernels.best();
    System.out.println(kernels.description());
    Roofline roofline =
        Roofline.find().orElseThrow(() -> new IllegalStateException("this JVM runs no vectors"));
    for (int warmUp = 0; warmUp < 3000; warmUp++) {
      sink += roofline.multiplyAdds(1000);
    }
    for (KvType type : KvType.values()) {
      for (int group : new int[] {1, 3, 4, 8}) {
        KvLayout layout = new KvLayout(type, 3, 64);
        attend(kernels, roofline, layout, 512, group, 1);
        attend(kernels, roofline, layout, 8192, group, 1);
        attend(kernels, roofline, layout, 512, group, 64);
      }
    }
    System.out.println("sink " + sink);
  }

  private static void attend(
      Kernels kernels, Roofline roofline, KvLayout layout, int length, int group, int rows) {
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
    for (int window = 0; window < WINDOWS; window++) {
      long start = System.nanoTime();
      long calls = 0;
      while (System.nanoTime() - start < WINDOW_NANOS) {
        kernels.attend(shape, q, out, 0, rows, pages, visible, scratch);
        calls++;
      }
      double flops = 4.0 * shape.queryDim() * length * rows * calls;
      best = Math.max(best, flops / (System.nanoTime() - start));
      ceiling = Math.max(ceiling, ceiling(roofline));
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

  private static double ceiling(Roofline roofline) {
    long start = System.nanoTime();
    sink += roofline.multiplyAdds(CEILING_STEPS);
    return roofline.flops(CEILING_STEPS) / (System.nanoTime() - start);
  }
}
