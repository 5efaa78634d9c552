package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The kernels as plain loops: the oracle for {@link VectorKernels}, and what runs where the Vector
 * API is missing.
 */
public final class ScalarKernels implements Kernels {
  private static final int PARTIALS = 16;

  /** Creates the kernels; they have no state. */
  public ScalarKernels() {}

  @Override
  public String description() {
    return "scalar";
  }

  @Override
  public void matmul(Products products, float[] x, int xStride, int rows, Scratch scratch) {
    for (int i = 0; i < products.size(); i++) {
      float[] out = products.out(i);
      int offset = products.outOffset(i);
      multiply(products.matrix(i), x, xStride, rows, out, offset, products.outStride(i), scratch);
    }
  }

  private static void multiply(
      PackedMatrix w,
      float[] x,
      int xStride,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch scratch) {
    int columns = w.columns();
    float[] weights = scratch.inputs(columns);
    for (int n = 0; n < w.rows(); n++) {
      w.readRow(n, weights, 0);
      for (int m = 0; m < rows; m++) {
        float acc = 0;
        for (int k = 0; k < columns; k++) {
          acc = Math.fma(weights[k], x[m * xStride + k], acc);
        }
        out[outOffset + m * outStride + n] = acc;
      }
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
    for (int m = 0; m < rows; m++) {
      // One partial at a time, so that no array of partials is needed.
      float sum = foldSquares(x, m * xStride, size, 0, 1);
      float factor = rmsFactor(sum, size, eps);
      for (int i = 0; i < size; i++) {
        out[m * outStride + i] = x[m * xStride + i] * factor * weight[i];
      }
    }
  }

  /** Partial {@code first} of the sum of squares after folding down to {@code count} partials. */
  private static float foldSquares(float[] x, int offset, int size, int first, int count) {
    if (count < PARTIALS) {
      return foldSquares(x, offset, size, first, 2 * count)
          + foldSquares(x, offset, size, first + count, 2 * count);
    }
    float partial = 0;
    for (int i = first; i < size; i += PARTIALS) {
      partial = Math.fma(x[offset + i], x[offset + i], partial);
    }
    return partial;
  }

  /** {@code 1 / sqrt(sum / size + eps)}, every step rounded to fp32. */
  static float rmsFactor(float sumOfSquares, int size, float eps) {
    return 1f / (float) Math.sqrt(sumOfSquares / size + eps);
  }

  @Override
  public void siluMultiply(float[] gate, float[] up, int count) {
    for (int i = 0; i < count; i++) {
      gate[i] = silu1(gate[i]) * up[i];
    }
  }

  @Override
  public void silu(float[] x, int count) {
    for (int i = 0; i < count; i++) {
      x[i] = silu1(x[i]);
    }
  }

  @Override
  public void geluMultiply(float[] gate, float[] up, int count) {
    for (int i = 0; i < count; i++) {
      gate[i] = gelu1(gate[i]) * up[i];
    }
  }

  /** {@code x/2 * (1 + tanh(...))} of {@link Kernels#geluMultiply}. */
  static float gelu1(float x) {
    float half = x * 0.5f;
    float bent = Math.fma(x * x, Tanh.GELU_CUBE, Tanh.GELU_FACTOR);
    return Math.fma(half, tanh1(x * bent), half);
  }

  @Override
  public void softCap(float[] x, int offset, int count, float cap) {
    for (int i = offset; i < offset + count; i++) {
      x[i] = softCap1(x[i], cap);
    }
  }

  /** {@code cap * tanh(x / cap)}. */
  static float softCap1(float x, float cap) {
    return tanh1(x / cap) * cap;
  }

  /** Relative error below 4e-7; 1 or -1 beyond the limit. */
  static float tanh1(float x) {
    float c = Math.max(-Tanh.LIMIT, Math.min(Tanh.LIMIT, x));
    float s = c * c;
    float p = Math.fma(Tanh.P13, s, Tanh.P11);
    p = Math.fma(p, s, Tanh.P9);
    p = Math.fma(p, s, Tanh.P7);
    p = Math.fma(p, s, Tanh.P5);
    p = Math.fma(p, s, Tanh.P3);
    p = Math.fma(p, s, Tanh.P1);
    float q = Math.fma(Tanh.Q6, s, Tanh.Q4);
    q = Math.fma(q, s, Tanh.Q2);
    q = Math.fma(q, s, Tanh.Q0);
    return c * p / q;
  }

  /** {@code x / (1 + exp(-x))}. */
  static float silu1(float x) {
    return x / (1f + exp1(-x));
  }

  @Override
  public void add(float[] acc, int accOffset, float[] x, int xOffset, int count) {
    for (int i = 0; i < count; i++) {
      acc[accOffset + i] += x[xOffset + i];
    }
  }

  @Override
  public void rotate(
      float[] x, int offset, int heads, int headDim, float[] cos, float[] sin, int tableOffset) {
    int half = headDim / 2;
    for (int head = 0; head < heads; head++) {
      for (int i = 0; i < half; i++) {
        int at = offset + head * headDim + i;
        rotate1(x, at, at + half, cos[tableOffset + i], sin[tableOffset + i]);
      }
    }
  }

  /** Rotates the pair {@code (x[first], x[second])}. */
  static void rotate1(float[] x, int first, int second, float cos, float sin) {
    float a = x[first];
    float b = x[second];
    x[first] = Math.fma(-b, sin, a * cos);
    x[second] = Math.fma(a, sin, b * cos);
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
    KvLayout layout = shape.keysValues();
    int group = shape.groupSize();
    for (int row = firstRow; row < firstRow + rows; row++) {
      int first = from == null ? 0 : from[row];
      for (int head = kvHead * group; head < (kvHead + 1) * group; head++) {
        int at = row * shape.queryDim() + head * layout.headDim();
        attend(shape, q, out, at, kvHead, pages, first, visible[row], scratch);
      }
    }
  }

  private static void attend(
      AttentionShape shape,
      float[] q,
      float[] out,
      int at,
      int kvHead,
      MemorySegment[] pages,
      int from,
      int length,
      Scratch scratch) {
    KvLayout layout = shape.keysValues();
    int headDim = layout.headDim();
    float[] scores = scratch.scores(length);
    float[] page = scratch.floats(headDim * PAGE);
    float max = Float.NEGATIVE_INFINITY;
    for (int t = from; t < length; t++) {
      if (t == from || t % PAGE == 0) {
        layout.readKeys(pages[t / PAGE], kvHead, page);
      }
      float acc = 0;
      for (int d = 0; d < headDim; d++) {
        acc = Math.fma(page[d * PAGE + t % PAGE], q[at + d], acc);
      }
      scores[t] = acc * shape.scale();
      if (shape.softCap() > 0) {
        scores[t] = softCap1(scores[t], shape.softCap());
      }
      max = Math.max(max, scores[t]);
    }
    for (int t = from; t < length; t++) {
      scores[t] = exp1(scores[t] - max);
    }
    float inverse = 1f / foldSum(scores, from, length, 0, 1);
    Arrays.fill(out, at, at + headDim, 0f);
    for (int t = from; t < length; t++) {
      if (t == from || t % PAGE == 0) {
        layout.readValues(pages[t / PAGE], kvHead, page);
      }
      for (int d = 0; d < headDim; d++) {
        out[at + d] = Math.fma(page[t % PAGE * headDim + d], scores[t], out[at + d]);
      }
    }
    for (int d = 0; d < headDim; d++) {
      out[at + d] *= inverse;
    }
  }

  /**
   * Partial {@code first} of the sum of {@code x[from .. size)} after folding down to {@code count}
   * partials.
   */
  private static float foldSum(float[] x, int from, int size, int first, int count) {
    if (count < PARTIALS) {
      return foldSum(x, from, size, first, 2 * count)
          + foldSum(x, from, size, first + count, 2 * count);
    }
    float partial = 0;
    for (int i = from + Math.floorMod(first - from, PARTIALS); i < size; i += PARTIALS) {
      partial += x[i];
    }
    return partial;
  }

  @Override
  public int argmax(float[] x, int offset, int count) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      if (x[offset + i] > max) {
        max = x[offset + i];
      }
    }
    for (int i = 0; i < count; i++) {
      if (x[offset + i] == max) {
        return i;
      }
    }
    return 0;
  }

  @Override
  public float logSumExp(float[] x, int offset, int count) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      max = Math.max(max, x[offset + i]);
    }
    if (!Float.isFinite(max)) {
      return max;
    }
    return plusLog(max, foldExp(x, offset, count, max, 0, 1));
  }

  /** {@code max + log(sum)}; the logarithm in double precision, rounded once. */
  static float plusLog(float max, float sum) {
    return max + (float) StrictMath.log(sum);
  }

  /**
   * Partial {@code first} of the sum of {@code exp(x - max)} after folding down to {@code count}
   * partials.
   */
  private static float foldExp(float[] x, int offset, int size, float max, int first, int count) {
    if (count < PARTIALS) {
      return foldExp(x, offset, size, max, first, 2 * count)
          + foldExp(x, offset, size, max, first + count, 2 * count);
    }
    float partial = 0;
    for (int i = first; i < size; i += PARTIALS) {
      partial += exp1(x[offset + i] - max);
    }
    return partial;
  }

  /**
   * {@link Kernels#exp}: Cody-Waite reduction to |r| <= ln(2)/2, the polynomial of Cephes' expf,
   * scaling by 2^n.
   */
  static float exp1(float x) {
    // Adding 1.5 * 2^23 rounds to the nearest integer, ties to even, and leaves it in the low bits.
    float shifted = Math.fma(x, Exp.LOG2_E, Exp.ROUNDER);
    int n = Float.floatToRawIntBits(shifted) - Exp.ROUNDER_BITS;
    float whole = shifted - Exp.ROUNDER;
    float r = Math.fma(whole, -Exp.LN2_HIGH, x);
    r = Math.fma(whole, -Exp.LN2_LOW, r);
    float p = Exp.C7;
    p = Math.fma(p, r, Exp.C6);
    p = Math.fma(p, r, Exp.C5);
    p = Math.fma(p, r, Exp.C4);
    p = Math.fma(p, r, Exp.C3);
    p = Math.fma(p, r, Exp.C2);
    p = Math.fma(p, r * r, r) + 1f;
    // Two factors, because 2^128 is no float.
    int n1 = n >> 1;
    int n2 = n - n1;
    float y = p * Float.intBitsToFloat((n1 + Exp.BIAS) << Exp.FRACTION_BITS);
    y *= Float.intBitsToFloat((n2 + Exp.BIAS) << Exp.FRACTION_BITS);
    if (x < Exp.LOWEST) {
      return 0f;
    }
    if (x > Exp.HIGHEST) {
      return Float.POSITIVE_INFINITY;
    }
    return Float.isNaN(x) ? Float.NaN : y;
  }
}
