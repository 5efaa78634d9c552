package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;

/**
 * The arithmetic of the engine over {@code float[]} panels. Letters in shapes: M slots, N outputs,
 * K inputs, D head dimension, T stored positions.
 *
 * <p><b>Canonical order.</b> Every output element has one defined sequence of fp32 operations,
 * whatever the number of rows, threads or vector lanes, so {@link ScalarKernels} and {@link
 * VectorKernels} agree bit for bit on every input:
 *
 * <ul>
 *   <li>dot products: {@code acc = 0; acc = fma(w_k, x_k, acc)} for k ascending, w being the fp32
 *       value of the weight;
 *   <li>sums over a row ({@link #rmsNorm}, soft-max denominators): 16 partial sums, element i into
 *       partial i mod 16 in ascending order, then partials folded pairwise 8, 4, 2, 1 ({@code p[j]
 *       += p[j + half]});
 *   <li>{@code exp} is {@link #exp(float)}, and {@code tanh} a ratio of polynomials, evaluated in
 *       the same order by both.
 * </ul>
 *
 * <p>"Bit for bit" takes all NaNs for one: which of two NaN operands an instruction passes on is
 * left to the compiler.
 *
 * <p>Instances are stateless and safe for concurrent use; scratch memory is passed in. No method
 * allocates.
 */
public sealed interface Kernels permits ScalarKernels, VectorKernels, ParallelKernels {

  /** Positions per page of packed keys and values. */
  int PAGE = 16;

  /**
   * The fastest implementation this JVM supports; logs a warning with the missing flag when that is
   * the scalar one.
   */
  static Kernels best() {
    return KernelSelector.best();
  }

  /** For people and result tables, for example {@code vector-512} or {@code scalar}. */
  String description();

  /**
   * {@code out[m, n] = sum_k w[n, k] * x[m, k]}, overwriting. A row's result does not depend on the
   * other rows.
   *
   * @param x {@code [rows, K]}, row stride {@code xStride}
   * @param out {@code [rows, N]} from {@code outOffset}, row stride {@code outStride}; must not be
   *     {@code x}
   * @param scratch from {@link #newScratch}, private to the calling thread
   */
  default void matmul(
      PackedMatrix w,
      float[] x,
      int xStride,
      int rows,
      float[] out,
      int outOffset,
      int outStride,
      Scratch scratch) {
    Products one = scratch.one();
    one.clear();
    one.add(w, out, outOffset, outStride);
    matmul(one, x, xStride, rows, scratch);
  }

  /** The same from the first element of {@code out} on. */
  default void matmul(
      PackedMatrix w,
      float[] x,
      int xStride,
      int rows,
      float[] out,
      int outStride,
      Scratch scratch) {
    matmul(w, x, xStride, rows, out, 0, outStride, scratch);
  }

  /** The same with several matrices, each to its own outputs. */
  void matmul(Products products, float[] x, int xStride, int rows, Scratch scratch);

  /**
   * {@code out[m, i] = x[m, i] * weight[i] / sqrt(mean(x[m]^2) + eps)} for each row (Zhang and
   * Sennrich, arXiv:1910.07467). Order: squares are summed with fma; {@code (x * factor) * weight}
   * with {@code factor = 1 / (float) sqrt(sum / size + eps)}.
   *
   * @param out may be {@code x} with the same stride
   */
  void rmsNorm(
      float[] x,
      int xStride,
      float[] weight,
      float eps,
      int size,
      int rows,
      float[] out,
      int outStride);

  /**
   * {@code gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i]} for i below {@code count} (SwiGLU,
   * arXiv:2002.05202).
   */
  void siluMultiply(float[] gate, float[] up, int count);

  /**
   * {@code gate[i] = gelu(gate[i]) * up[i]} for i below {@code count}, with the approximation
   * {@code gelu(x) = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))} (Hendrycks and Gimpel,
   * arXiv:1606.08415).
   */
  void geluMultiply(float[] gate, float[] up, int count);

  /** {@code x[offset + i] = cap * tanh(x[offset + i] / cap)} for i below {@code count}. */
  void softCap(float[] x, int offset, int count, float cap);

  /** {@code x[i] = x[i] / (1 + exp(-x[i]))} for i below {@code count}. */
  void silu(float[] x, int count);

  /** {@code acc[accOffset + i] += x[xOffset + i]}. */
  void add(float[] acc, int accOffset, float[] x, int xOffset, int count);

  /**
   * Rotates {@code heads} consecutive heads in the half-rotation layout: {@code (a, b) -> (a cos -
   * b sin, b cos + a sin)}, a at i and b at i + D/2. Order: {@code fma(-b, sin, a * cos)} and
   * {@code fma(a, sin, b * cos)}.
   *
   * @param cos {@code [D / 2]} from {@code tableOffset} on
   */
  void rotate(
      float[] x, int offset, int heads, int headDim, float[] cos, float[] sin, int tableOffset);

  /**
   * Attention of consecutive slots of one sequence over its packed entries. Scores are dot products
   * over D in the canonical order times the scale, then soft-capped where the shape says so;
   * soft-max subtracts the maximum, and entry t belongs to partial sum t mod 16 wherever a row
   * begins; values are accumulated over entries in ascending order with fma, then multiplied by
   * {@code 1 / denominator}. A row's result does not depend on the other rows.
   *
   * @param q {@code [M, heads * D]}, of which {@code rows} rows from {@code firstRow} on are meant
   * @param out {@code [M, heads * D]}, the same rows are overwritten; must not be {@code q}
   * @param pages laid out as {@link AttentionShape#keysValues} says
   * @param from {@code [M]} the first entry that a row attends to; ascending over the rows meant;
   *     null for entry 0
   * @param visible {@code [M]} the entry behind the last one that a row attends to, above its
   *     first; ascending over the rows meant
   * @param scratch from {@link #newScratch}, private to the calling thread
   */
  default void attend(
      AttentionShape shape,
      float[] q,
      float[] out,
      int firstRow,
      int rows,
      MemorySegment[] pages,
      int[] from,
      int[] visible,
      Scratch scratch) {
    for (int kvHead = 0; kvHead < shape.keysValues().kvHeads(); kvHead++) {
      attendHead(shape, kvHead, q, out, firstRow, rows, pages, from, visible, scratch);
    }
  }

  /**
   * {@link #attend} for the query heads that share a key/value head; the others' part of {@code
   * out} stays as it is.
   */
  void attendHead(
      AttentionShape shape,
      int kvHead,
      float[] q,
      float[] out,
      int firstRow,
      int rows,
      MemorySegment[] pages,
      int[] from,
      int[] visible,
      Scratch scratch);

  /** Attention from entry 0 on. */
  default void attend(
      AttentionShape shape,
      float[] q,
      float[] out,
      int firstRow,
      int rows,
      MemorySegment[] pages,
      int[] visible,
      Scratch scratch) {
    attend(shape, q, out, firstRow, rows, pages, null, visible, scratch);
  }

  /** Attention of the slots of several sequences, each over its own entries. */
  default void attend(
      AttentionRuns runs, float[] q, float[] out, int[] from, int[] visible, Scratch scratch) {
    for (int i = 0; i < runs.size(); i++) {
      int first = runs.firstRow(i);
      attend(runs.shape(i), q, out, first, runs.rows(i), runs.pages(i), from, visible, scratch);
    }
  }

  /**
   * Which of {@code x[offset .. offset + count)} is the largest, counted from {@code offset}: in
   * {@code [0, count)}. The lowest index among equals; NaN never wins; 0 if there is nothing but
   * NaN.
   */
  int argmax(float[] x, int offset, int count);

  /**
   * {@code log(sum(exp(x)))} over {@code x[offset .. offset + count)} in the canonical order, with
   * the maximum subtracted first; the maximum itself if that is infinite or NaN.
   */
  float logSumExp(float[] x, int offset, int count);

  /** Scratch for {@link #matmul} and {@link #attend}; one per thread. */
  default Scratch newScratch() {
    return new Scratch();
  }

  /**
   * {@code e^x} by our own polynomial, relative error below 2e-7; 0 below -87.3, infinity above
   * 88.7. The definition both implementations follow.
   */
  static float exp(float x) {
    return ScalarKernels.exp1(x);
  }
}
