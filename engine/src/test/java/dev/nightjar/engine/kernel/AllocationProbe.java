package dev.nightjar.engine.kernel;

import static dev.nightjar.engine.kernel.KernelFixtures.gaussian;

import com.sun.management.ThreadMXBean;
import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Runs kernels until C2 has compiled them, and finds those that allocate even then. */
final class AllocationProbe {
  /** Last line of {@link #main}'s output. */
  static final String DONE = "all kernels probed";

  /**
   * Warm-up ends as soon as a whole round of calls allocates nothing; it is given up after this
   * many rounds, but not before this time has passed: a busy machine compiles late.
   */
  private static final int MAX_ROUNDS = 400;

  private static final long LEAST_PATIENCE_NANOS = 20_000_000_000L;

  private static final int CALLS = 50;

  /** The measuring itself and compiler threads' safepoints may cost a few objects. */
  private static final long ALLOWED_BYTES_PER_CALL = 16;

  private final Kernels kernels = new VectorKernels();
  private final Random random = new Random(1);
  private final List<String> allocating = new ArrayList<>();
  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  /** Whether this JVM counts the bytes a thread allocates. */
  static boolean supported() {
    return ManagementFactory.getThreadMXBean() instanceof ThreadMXBean bean
        && bean.isThreadAllocatedMemorySupported()
        && bean.isThreadAllocatedMemoryEnabled();
  }

  /** Prints the kernels that allocate, then {@link #DONE}. */
  public static void main(String[] args) {
    AllocationProbe probe = new AllocationProbe();
    probe.reductions();
    probe.elementwise();
    probe.attend();
    for (DType dtype : DType.values()) {
      probe.matmul(dtype);
    }
    probe.allocating.forEach(System.out::println);
    System.out.println(DONE);
  }

  /** What was found so far: names of kernels with the bytes they allocate per call. */
  List<String> allocating() {
    return allocating;
  }

  void matmul(DType dtype) {
    int inputs = 256;
    int outputs = 216;
    float[] x = gaussian(random, 32 * inputs);
    float[] out = new float[32 * outputs];
    try (Arena arena = Arena.ofConfined()) {
      PackedMatrix w =
          PackedMatrix.pack(KernelFixtures.tensor(random, dtype, outputs, inputs), arena);
      Scratch scratch = kernels.newScratch();
      for (int rows : new int[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 32}) {
        check(
            "matmul " + dtype + " x " + rows,
            () -> kernels.matmul(w, x, inputs, rows, out, outputs, scratch));
      }
    }
  }

  void elementwise() {
    int size = 999;
    float[] x = gaussian(random, 4 * size);
    float[] y = gaussian(random, 4 * size);
    float[] table = gaussian(random, 64);
    float[] out = new float[4 * size];
    check("rmsNorm", () -> kernels.rmsNorm(x, size, y, 1e-5f, size, 4, out, size));
    check("silu", () -> kernels.silu(x, 4 * size));
    check("siluMultiply", () -> kernels.siluMultiply(x, y, 4 * size));
    check("add", () -> kernels.add(out, 1, x, 0, 4 * size - 1));
    check("rotate", () -> kernels.rotate(x, 0, 30, 128, table, table, 0));
  }

  void reductions() {
    float[] x = gaussian(random, 5000);
    int[] sink = new int[1];
    check("argmax", () -> sink[0] += kernels.argmax(x, 1, 4990));
    check("logSumExp", () -> sink[0] += (int) kernels.logSumExp(x, 1, 4990));
  }

  void attend() {
    for (KvType type : KvType.values()) {
      for (int group : new int[] {1, 3, 9}) {
        AttentionShape shape = new AttentionShape(new KvLayout(type, 2, 64), group, 0.1f);
        int[] visible = {97, 98, 99, 100};
        MemorySegment[] pages = KernelFixtures.pages(random, shape.keysValues(), 100);
        float[] q = gaussian(random, visible.length * shape.queryDim());
        float[] out = new float[q.length];
        Scratch scratch = kernels.newScratch();
        check(
            "attend, " + type + ", groups of " + group,
            () -> kernels.attend(shape, q, out, 0, visible.length, pages, visible, scratch));
      }
    }
  }

  private void check(String what, Runnable kernel) {
    long bytes = Long.MAX_VALUE;
    long start = System.nanoTime();
    int round = 0;
    while (bytes > ALLOWED_BYTES_PER_CALL
        && (round < MAX_ROUNDS || System.nanoTime() - start < LEAST_PATIENCE_NANOS)) {
      round++;
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int call = 0; call < CALLS; call++) {
        kernel.run();
      }
      bytes = (threads.getCurrentThreadAllocatedBytes() - before) / CALLS;
    }
    if (bytes > ALLOWED_BYTES_PER_CALL) {
      allocating.add(what + " allocates " + bytes + " bytes per call after warm-up");
    }
  }
}
