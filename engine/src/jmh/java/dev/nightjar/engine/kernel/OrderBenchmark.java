package dev.nightjar.engine.kernel;

import dev.nightjar.engine.api.KvType;
import dev.nightjar.engine.tensor.DType;
import dev.nightjar.engine.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
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
 * What the canonical order of additions costs at one row, where it could cost most: products with
 * {@code Q8_0} weights, and attention of a single query, each beside a loop that is free to add in
 * any order. That loop scales the sum of a block instead of every weight, and has partial sums.
 *
 * <p>{@code mvn -q -pl engine -Pjmh test-compile exec:exec@jmh -Djmh.args=OrderBenchmark}
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(
    value = 3, // inlining differs from one JVM to the next
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class OrderBenchmark {
  private static final int COLUMNS = 2048;
  private static final int HEAD_DIM = 64;
  private static final int GROUP = PackedMatrix.GROUP;
  private static final int BLOCK = PackedMatrix.BLOCK;
  private static final int COLUMN_BYTES = PackedMatrix.COLUMN_BYTES;
  private static final long BLOCK_BYTES = COLUMN_BYTES + (long) BLOCK * GROUP;
  private static final int PAGE = Kernels.PAGE;

  /** Where weights, keys and values are: a megabyte that the second-level cache holds, or many. */
  @Param({"cache", "memory"})
  private String place;

  private final Kernels kernels = Kernels.best();
  private final Scratch scratch = kernels.newScratch();
  private int outputs;
  private int entries;
  private PackedMatrix weights;
  private float[] x;
  private float[] out;
  private AttentionShape shape;
  private MemorySegment[] pages;
  private int[] visible;
  private float[] query;
  private float[] attended;
  private float[] scores;

  /** Random weights, keys and values. */
  @Setup
  public void fill() {
    boolean large = place.equals("memory");
    outputs = large ? 131072 : 512;
    entries = large ? 131072 : 1024;
    Random random = new Random(1);
    byte[] bytes = new byte[DType.Q8_0.blockBytes()];
    MemorySegment data = Arena.ofAuto().allocate(DType.Q8_0.byteSize((long) outputs * COLUMNS), 64);
    for (long at = 0; at < data.byteSize(); at += bytes.length) {
      random.nextBytes(bytes);
      bytes[0] = 0;
      bytes[1] = 0x20; // a scale of 2^-7
      MemorySegment.copy(MemorySegment.ofArray(bytes), 0, data, at, bytes.length);
    }
    Tensor tensor = new Tensor("weights", DType.Q8_0, new long[] {outputs, COLUMNS}, data);
    weights = PackedMatrix.pack(tensor, Arena.ofAuto());
    x = KernelFixtures.gaussian(random, COLUMNS);
    out = new float[outputs];
    KvLayout layout = new KvLayout(KvType.F32, 1, HEAD_DIM);
    shape = new AttentionShape(layout, 1, 0.125f);
    pages = KernelFixtures.pages(random, layout, entries);
    visible = new int[] {entries};
    query = KernelFixtures.gaussian(random, HEAD_DIM);
    attended = new float[HEAD_DIM];
    scores = new float[entries];
  }

  /** One row in the canonical order. */
  @Benchmark
  public float[] product() {
    kernels.matmul(weights, x, COLUMNS, 1, out, outputs, scratch);
    return out;
  }

  /** One row in any order. */
  @Benchmark
  public float[] productInAnyOrder() {
    for (int group = 0; group < weights.groups(); group += 2) {
      for (int lane = 0; lane < GROUP; lane += PanelKernels.OUTPUTS) {
        multiplyInAnyOrder(group, lane);
      }
    }
    return out;
  }

  private void multiplyInAnyOrder(int group, int lane) {
    MemorySegment data = weights.data();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a = zero;
    FloatVector b = zero;
    FloatVector p = zero;
    FloatVector q = zero;
    long next = weights.offset(1, 0);
    long scales = weights.offset(group, 0) + 4L * lane;
    long quants = weights.offset(group, 0) + COLUMN_BYTES + lane;
    for (int block = 0; block < COLUMNS; block += BLOCK) {
      FloatVector a0 = zero;
      FloatVector b0 = zero;
      FloatVector p0 = zero;
      FloatVector q0 = zero;
      for (int k = 0; k < BLOCK; k++) {
        long at = quants + (long) k * GROUP;
        FloatVector input = FloatVector.broadcast(Lanes.FLOATS, x[block + k]);
        a0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(Lanes.BYTES, data, at, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .fma(input, a0);
        b0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(Lanes.BYTES, data, at + Lanes.COUNT, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .fma(input, b0);
        p0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(Lanes.BYTES, data, at + next, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .fma(input, p0);
        q0 =
            ((FloatVector)
                    ByteVector.fromMemorySegment(
                            Lanes.BYTES, data, at + next + Lanes.COUNT, Lanes.ORDER)
                        .convertShape(VectorOperators.B2F, Lanes.FLOATS, 0))
                .fma(input, q0);
      }
      long second = scales + 4L * Lanes.COUNT;
      a = FloatVector.fromMemorySegment(Lanes.FLOATS, data, scales, Lanes.ORDER).fma(a0, a);
      b = FloatVector.fromMemorySegment(Lanes.FLOATS, data, second, Lanes.ORDER).fma(b0, b);
      p = FloatVector.fromMemorySegment(Lanes.FLOATS, data, scales + next, Lanes.ORDER).fma(p0, p);
      q = FloatVector.fromMemorySegment(Lanes.FLOATS, data, second + next, Lanes.ORDER).fma(q0, q);
      scales += BLOCK_BYTES;
      quants += BLOCK_BYTES;
    }
    int output = group * GROUP + lane;
    a.intoArray(out, output);
    b.intoArray(out, output + Lanes.COUNT);
    p.intoArray(out, output + GROUP);
    q.intoArray(out, output + GROUP + Lanes.COUNT);
  }

  /** One query in the canonical order. */
  @Benchmark
  public float[] attention() {
    kernels.attend(shape, query, attended, 0, 1, pages, visible, scratch);
    return attended;
  }

  /** One query, written for a single one: what takes longer than with four sums is the order. */
  @Benchmark
  public float[] attentionOfOne() {
    return attend(1);
  }

  /** The same with four partial sums for each of its scores and outputs. */
  @Benchmark
  public float[] attentionInAnyOrder() {
    return attend(4);
  }

  private float[] attend(int partialSums) {
    float max = Float.NEGATIVE_INFINITY;
    for (int page = 0; page < pages.length; page++) {
      int to = page * PAGE;
      max =
          Math.max(max, partialSums == 1 ? scoreInOrder(pages[page], to) : score(pages[page], to));
    }
    VectorExp.exponentiate(scores, 0, entries, max);
    for (int d = 0; d < HEAD_DIM; d += Lanes.COUNT) {
      FloatVector.zero(Lanes.FLOATS).intoArray(attended, d);
    }
    float sum = 0;
    for (int page = 0; page < pages.length; page++) {
      int from = page * PAGE;
      sum += partialSums == 1 ? mixInOrder(pages[page], from) : mix(pages[page], from);
    }
    for (int d = 0; d < HEAD_DIM; d++) {
      attended[d] /= sum;
    }
    return attended;
  }

  private float scoreInOrder(MemorySegment page, int to) {
    float max = Float.NEGATIVE_INFINITY;
    for (int lane = 0; lane < PAGE; lane += Lanes.COUNT) {
      FloatVector a = FloatVector.zero(Lanes.FLOATS);
      for (int d = 0; d < HEAD_DIM; d++) {
        long at = 4L * (d * PAGE + lane);
        a =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, query[d]), a);
      }
      FloatVector all = a.mul(0.125f);
      all.intoArray(scores, to + lane);
      max = Math.max(max, all.reduceLanes(VectorOperators.MAX));
    }
    return max;
  }

  private float mixInOrder(MemorySegment page, int from) {
    long values = shape.keysValues().values(0);
    long row = 4L * HEAD_DIM;
    for (int d = 0; d < HEAD_DIM; d += Lanes.COUNT) {
      FloatVector a = FloatVector.fromArray(Lanes.FLOATS, attended, d);
      for (int t = 0; t < PAGE; t++) {
        long at = values + t * row + 4L * d;
        a =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, scores[from + t]), a);
      }
      a.intoArray(attended, d);
    }
    return sum(from);
  }

  private float sum(int from) {
    float sum = 0;
    for (int t = from; t < from + PAGE; t++) {
      sum += scores[t];
    }
    return sum;
  }

  private float score(MemorySegment page, int to) {
    float max = Float.NEGATIVE_INFINITY;
    for (int lane = 0; lane < PAGE; lane += Lanes.COUNT) {
      FloatVector a = FloatVector.zero(Lanes.FLOATS);
      FloatVector b = a;
      FloatVector c = a;
      FloatVector e = a;
      for (int d = 0; d < HEAD_DIM; d += 4) {
        long at = 4L * (d * PAGE + lane);
        long step = 4L * PAGE;
        a =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, query[d]), a);
        b =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at + step, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, query[d + 1]), b);
        c =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at + 2 * step, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, query[d + 2]), c);
        e =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at + 3 * step, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, query[d + 3]), e);
      }
      FloatVector all = a.add(b).add(c.add(e)).mul(0.125f);
      all.intoArray(scores, to + lane);
      max = Math.max(max, all.reduceLanes(VectorOperators.MAX));
    }
    return max;
  }

  private float mix(MemorySegment page, int from) {
    long values = shape.keysValues().values(0);
    long row = 4L * HEAD_DIM;
    for (int d = 0; d < HEAD_DIM; d += Lanes.COUNT) {
      FloatVector a = FloatVector.zero(Lanes.FLOATS);
      FloatVector b = a;
      FloatVector c = a;
      FloatVector e = a;
      for (int t = 0; t < PAGE; t += 4) {
        long at = values + t * row + 4L * d;
        int w = from + t;
        a =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, scores[w]), a);
        b =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at + row, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, scores[w + 1]), b);
        c =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at + 2 * row, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, scores[w + 2]), c);
        e =
            FloatVector.fromMemorySegment(Lanes.FLOATS, page, at + 3 * row, Lanes.ORDER)
                .fma(FloatVector.broadcast(Lanes.FLOATS, scores[w + 3]), e);
      }
      FloatVector old = FloatVector.fromArray(Lanes.FLOATS, attended, d);
      old.add(a.add(b).add(c.add(e))).intoArray(attended, d);
    }
    return sum(from);
  }
}
