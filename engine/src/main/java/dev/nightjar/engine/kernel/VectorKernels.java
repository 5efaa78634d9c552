package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * The kernels over the Vector API. Needs the JVM flag {@code --add-modules jdk.incubator.vector}:
 * without it this class cannot be loaded, so only {@link KernelSelector} names it.
 *
 * <p>Here and in the other vector loops of this package, a vector that a loop carries from one turn
 * to the next is an argument, never the receiver: {@code sum = v.add(sum)}, not {@code sum =
 * sum.add(v)}. C2 learns the class of such a receiver only from the type profile inside the Vector
 * API's methods, which all callers in the JVM share and which may be missing; the call then stays
 * virtual, and every turn allocates its vectors. An argument's class is compared with the
 * receiver's, and known from there on.
 */
public final class VectorKernels implements Kernels {
  private static final int PARTIALS = Lanes.PARTIALS;

  /** Creates the kernels; they have no state. */
  public VectorKernels() {}

  @Override
  public String description() {
    return "vector-" + Lanes.BITS;
  }

  @Override
  public void matmul(Products products, float[] x, int xStride, int rows, Scratch scratch) {
    if (rows > 0 && products.size() > 0) {
      VectorMatmul.multiply(products, x, xStride, rows, scratch);
    }
  }

  @Override
  public void rmsNorm(
      float[] x,
      int xStride,
      float[] weight,
      float eps,
      int size,
      int rows,
      float[] out,
      int outStride) {
    int whole = Lanes.FLOATS.loopBound(size);
    for (int m = 0; m < rows; m++) {
      int from = m * xStride;
      int to = m * outStride;
      float factor = ScalarKernels.rmsFactor(sumOfSquares(x, from, size), size, eps);
      for (int i = 0; i < whole; i += Lanes.COUNT) {
        FloatVector.fromArray(Lanes.FLOATS, x, from + i)
            .mul(factor)
            .mul(FloatVector.fromArray(Lanes.FLOATS, weight, i))
            .intoArray(out, to + i);
      }
      for (int i = whole; i < size; i++) {
        out[to + i] = x[from + i] * factor * weight[i];
      }
    }
  }

  private static float sumOfSquares(float[] x, int offset, int size) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a = zero;
    FloatVector b = zero;
    FloatVector c = zero;
    FloatVector d = zero;
    int whole = size / PARTIALS * PARTIALS;
    for (int i = 0; i < whole; i += PARTIALS) {
      FloatVector v = FloatVector.fromArray(Lanes.FLOATS, x, offset + i);
      a = v.fma(v, a);
      if (Lanes.PARTS >= 2) {
        v = FloatVector.fromArray(Lanes.FLOATS, x, offset + i + Lanes.COUNT);
        b = v.fma(v, b);
      }
      if (Lanes.PARTS == 4) {
        v = FloatVector.fromArray(Lanes.FLOATS, x, offset + i + 2 * Lanes.COUNT);
        c = v.fma(v, c);
        v = FloatVector.fromArray(Lanes.FLOATS, x, offset + i + 3 * Lanes.COUNT);
        d = v.fma(v, d);
      }
    }
    for (int i = whole; i < size; i++) {
      // In all lanes but one, zero is squared and added, which changes nothing.
      FloatVector v = FloatVector.broadcast(Lanes.FLOATS, x[offset + i]);
      int partial = i - whole;
      FloatVector one = zero.blend(v, Lanes.INDEX.compare(VectorOperators.EQ, partial));
      a = one.fma(one, a);
      one = zero.blend(v, Lanes.INDEX.compare(VectorOperators.EQ, partial - Lanes.COUNT));
      b = one.fma(one, b);
      one = zero.blend(v, Lanes.INDEX.compare(VectorOperators.EQ, partial - 2 * Lanes.COUNT));
      c = one.fma(one, c);
      one = zero.blend(v, Lanes.INDEX.compare(VectorOperators.EQ, partial - 3 * Lanes.COUNT));
      d = one.fma(one, d);
    }
    FloatVector p = Lanes.PARTS == 4 ? a.add(c).add(b.add(d)) : Lanes.PARTS == 2 ? a.add(b) : a;
    p = Lanes.COUNT == 16 ? p.add(p.rearrange(Lanes.FOLD_8)) : p;
    p = Lanes.COUNT >= 8 ? p.add(p.rearrange(Lanes.FOLD_4)) : p;
    p = p.add(p.rearrange(Lanes.FOLD_2));
    return p.add(p.rearrange(Lanes.FOLD_1)).lane(0);
  }

  @Override
  public void siluMultiply(float[] gate, float[] up, int count) {
    VectorExp.silu(gate, count);
    multiply(gate, up, count);
  }

  @Override
  public void geluMultiply(float[] gate, float[] up, int count) {
    VectorTanh.gelu(gate, count);
    multiply(gate, up, count);
  }

  private static void multiply(float[] gate, float[] up, int count) {
    int whole = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, gate, i)
          .mul(FloatVector.fromArray(Lanes.FLOATS, up, i))
          .intoArray(gate, i);
    }
    for (int i = whole; i < count; i++) {
      gate[i] *= up[i];
    }
  }

  @Override
  public void softCap(float[] x, int offset, int count, float cap) {
    VectorTanh.softCap(x, offset, count, cap);
  }

  @Override
  public void silu(float[] x, int count) {
    VectorExp.silu(x, count);
  }

  @Override
  public void add(float[] acc, int accOffset, float[] x, int xOffset, int count) {
    int whole = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, acc, accOffset + i)
          .add(FloatVector.fromArray(Lanes.FLOATS, x, xOffset + i))
          .intoArray(acc, accOffset + i);
    }
    for (int i = whole; i < count; i++) {
      acc[accOffset + i] += x[xOffset + i];
    }
  }

  @Override
  public void rotate(
      float[] x, int offset, int heads, int headDim, float[] cos, float[] sin, int tableOffset) {
    int half = headDim / 2;
    int whole = Lanes.FLOATS.loopBound(half);
    for (int head = 0; head < heads; head++) {
      int first = offset + head * headDim;
      int second = first + half;
      for (int i = 0; i < whole; i += Lanes.COUNT) {
        FloatVector a = FloatVector.fromArray(Lanes.FLOATS, x, first + i);
        FloatVector b = FloatVector.fromArray(Lanes.FLOATS, x, second + i);
        FloatVector c = FloatVector.fromArray(Lanes.FLOATS, cos, tableOffset + i);
        FloatVector s = FloatVector.fromArray(Lanes.FLOATS, sin, tableOffset + i);
        b.neg().fma(s, a.mul(c)).intoArray(x, first + i);
        a.fma(s, b.mul(c)).intoArray(x, second + i);
      }
      for (int i = whole; i < half; i++) {
        ScalarKernels.rotate1(x, first + i, second + i, cos[tableOffset + i], sin[tableOffset + i]);
      }
    }
  }

  @Override
  public void attendHead(
      AttentionShape shape,
      int kvHead,
      float[] q,
      float[] out,
      int firstRow,
      int rows,
      MemorySegment[] pages,
      int[] from,
      int[] visible,
      Scratch scratch) {
    VectorAttention.attend(shape, kvHead, q, out, firstRow, rows, pages, from, visible, scratch);
  }

  @Override
  public int argmax(float[] x, int offset, int count) {
    int whole = Lanes.FLOATS.loopBound(count);
    FloatVector maxima = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector v = FloatVector.fromArray(Lanes.FLOATS, x, offset + i);
      maxima = v.blend(maxima, v.compare(VectorOperators.GT, maxima).not());
    }
    float max = maxima.reduceLanes(VectorOperators.MAX);
    for (int i = whole; i < count; i++) {
      if (x[offset + i] > max) {
        max = x[offset + i];
      }
    }
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      VectorMask<Float> equal =
          FloatVector.fromArray(Lanes.FLOATS, x, offset + i).compare(VectorOperators.EQ, max);
      if (equal.anyTrue()) {
        return i + equal.firstTrue();
      }
    }
    for (int i = whole; i < count; i++) {
      if (x[offset + i] == max) {
        return i;
      }
    }
    return 0;
  }

  @Override
  public float logSumExp(float[] x, int offset, int count) {
    int whole = Lanes.FLOATS.loopBound(count);
    FloatVector maxima = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      maxima = FloatVector.fromArray(Lanes.FLOATS, x, offset + i).max(maxima);
    }
    float max = maxima.reduceLanes(VectorOperators.MAX);
    for (int i = whole; i < count; i++) {
      max = Math.max(max, x[offset + i]);
    }
    if (!Float.isFinite(max)) {
      return max;
    }
    return ScalarKernels.plusLog(max, VectorExp.sumOfExps(x, offset, count, max));
  }
}
