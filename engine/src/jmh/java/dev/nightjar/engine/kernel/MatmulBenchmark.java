package dev.nightjar.engine.kernel;

import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * {@link Kernels#matmul} by element type, shape and rows. The counter {@code flops} is in
 * operations per second.
 *
 * <p>{@code mvn -q -pl engine -Pjmh test-compile exec:exec@jmh} runs everything; {@code
 * -Djmh.args="-p dtype=Q8_0 -p rows=1,32 -prof gc"} narrows it.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(
    value = 3, // inlining differs from one JVM to the next
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class MatmulBenchmark {
  @Param({"F32", "BF16", "F16", "Q8_0", "Q4_0"})
  private DType dtype;

  /** Outputs and inputs. */
  @Param({"8192x2048", "1536x576"})
  private String shape;

  @Param({"1", "4", "8", "16", "32", "64", "128"})
  private int rows;

  private final Kernels kernels = Kernels.best();
  private final Scratch scratch = kernels.newScratch();
  private PackedMatrix weights;
  private float[] x;
  private float[] out;

  /** Operations done, a multiply-add counted twice. */
  @AuxCounters
  @State(Scope.Thread)
  public static class Work {
    /** Read by the harness. */
    public double flops;
  }

  /** Random weights and inputs; block scales are those of trained models. */
  @Setup
  public void fill() {
    String[] sizes = shape.split("x");
    int n = Integer.parseInt(sizes[0]);
    int k = Integer.parseInt(sizes[1]);
    Random random = new Random(1);
    long bytes = dtype.byteSize((long) n * k);
    MemorySegment data = Arena.ofAuto().allocate(bytes, 64);
    for (long at = 0; at < bytes; at += dtype.blockBytes()) {
      float value = (float) random.nextGaussian() * 0.05f;
      switch (dtype) {
        case F32 -> data.set(ValueLayout.JAVA_FLOAT_UNALIGNED, at, value);
        case F16 -> data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(value));
        case BF16 ->
            data.set(
                ValueLayout.JAVA_SHORT_UNALIGNED,
                at,
                (short) (Float.floatToRawIntBits(value) >>> 16));
        case Q8_0, Q4_0 -> {
          byte[] block = new byte[dtype.blockBytes()];
          random.nextBytes(block);
          MemorySegment.copy(block, 0, data, ValueLayout.JAVA_BYTE, at, block.length);
          data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, Float.floatToFloat16(1e-3f));
        }
      }
    }
    weights =
        PackedMatrix.pack(new Tensor("weights", dtype, new long[] {n, k}, data), Arena.ofAuto());
    x = new float[rows * k];
    for (int i = 0; i < x.length; i++) {
      x[i] = (float) random.nextGaussian();
    }
    out = new float[rows * n];
  }

  /** One product. */
  @Benchmark
  public float[] matmul(Work work) {
    kernels.matmul(weights, x, weights.columns(), rows, out, weights.rows(), scratch);
    work.flops += 2.0 * rows * weights.rows() * weights.columns();
    return out;
  }
}
