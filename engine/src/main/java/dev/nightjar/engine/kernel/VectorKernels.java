package dev.nightjar.engine.kernel;

import dev.nightjar.engine.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
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
  /**
   * Most columns converted at once: four tiles then take 256 KB and stay in the second-level cache.
   */
  private static final int DEPTH = 1024;

  /** The same for few rows, which use a panel up quickly: it stays in the first-level cache. */
  private static final int SHALLOW_DEPTH = 128;

  /** Rows up to which {@link #SHALLOW_DEPTH} is used. */
  private static final int FEW_ROWS = 8;

  private static final int PARTIALS = 16;

  /** Creates the kernels; they have no state. */
  public VectorKernels() {}

  @Override
  public String description() {
    return "vector-" + Lanes.BITS;
  }

  @Override
  public void matmul(
      PackedMatrix w,
      float[] x,
      int xStride,
      int rows,
      float[] out,
      int outStride,
      Scratch scratch) {
    if (rows <= 0) {
      return;
    }
    int columns = w.columns();
    int depth = rows <= FEW_ROWS ? SHALLOW_DEPTH : DEPTH;
    int blocks = (rows + PanelKernels.MAX_ROWS - 1) / PanelKernels.MAX_ROWS;
    float[] grouped = scratch.inputs(rows * columns);
    groupRows(x, xStride, rows, columns, blocks, grouped);
    boolean direct = w.dtype() == DType.F32;
    long panelBytes = (long) Math.min(depth, columns) * PanelKernels.COLUMN_BYTES;
    MemorySegment panel = direct ? w.data() : scratch.panel(panelBytes * PanelKernels.TILES);
    int lastTile = Math.max(0, w.tiles() - PanelKernels.TILES);
    for (int next = 0; next < w.tiles(); next += PanelKernels.TILES) {
      // The last group begins early rather than being incomplete; what it computes again comes out
      // the same.
      int tile = Math.min(next, lastTile);
      int firstRow = tile * PackedMatrix.TILE;
      int valid = Math.min(PanelKernels.OUTPUTS, w.rows() - firstRow);
      boolean whole = valid == PanelKernels.OUTPUTS;
      float[] sums = whole ? out : scratch.outputs(rows * PanelKernels.OUTPUTS);
      int sumsOffset = whole ? firstRow : 0;
      int sumsStride = whole ? outStride : PanelKernels.OUTPUTS;
      for (int m = 0; m < rows; m++) {
        int at = sumsOffset + m * sumsStride;
        Arrays.fill(sums, at, at + PanelKernels.OUTPUTS, 0f);
      }
      for (int column = 0; column < columns; column += depth) {
        int count = Math.min(depth, columns - column);
        long base = 0;
        long tileBytes = panelBytes;
        if (direct) {
          base = w.tileOffset(tile) + (long) column * PanelKernels.COLUMN_BYTES;
          tileBytes = w.tileBytes();
        } else {
          for (int t = 0; t < PanelKernels.TILES; t++) {
            PanelFiller.fill(w, tile + t, column, count, panel, t * panelBytes, scratch);
          }
        }
        int row = 0;
        for (int block = 0; block < blocks; block++) {
          int size = blockRows(rows, blocks, block);
          PanelKernels.multiply(
              size,
              panel,
              base,
              tileBytes,
              count,
              grouped,
              row * columns + column * size,
              sums,
              sumsOffset + row * sumsStride,
              sumsStride);
          row += size;
        }
      }
      if (!whole) {
        for (int m = 0; m < rows; m++) {
          System.arraycopy(sums, m * sumsStride, out, m * outStride + firstRow, valid);
        }
      }
    }
  }

  /** Rows of block {@code block} when {@code rows} rows are divided evenly. */
  private static int blockRows(int rows, int blocks, int block) {
    return rows / blocks + (block < rows % blocks ? 1 : 0);
  }

  /**
   * Brings the rows of each block together: {@code [columns, rows of the block]}, block after
   * block.
   */
  private static void groupRows(
      float[] x, int xStride, int rows, int columns, int blocks, float[] grouped) {
    int row = 0;
    for (int block = 0; block < blocks; block++) {
      int size = blockRows(rows, blocks, block);
      for (int i = 0; i < size; i++) {
        int from = (row + i) * xStride;
        int to = row * columns + i;
        for (int k = 0; k < columns; k++) {
          grouped[to + k * size] = x[from + k];
        }
      }
      row += size;
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
  public void attend(
      float[] q,
      int qOffset,
      float[][] keyPages,
      float[][] valuePages,
      int length,
      int kvHead,
      int groupSize,
      int headDim,
      float scale,
      float[] scores,
      float[] out,
      int outOffset) {
    int padded = (length + PAGE - 1) / PAGE * PAGE;
    // As many heads at once as there is room for their scores: they share the reads of keys and
    // values.
    int room = Math.clamp(scores.length / Math.max(1, padded), 1, VectorAttention.MAX_HEADS);
    for (int head = 0; head < groupSize; head += room) {
      int heads = Math.min(room, groupSize - head);
      int first = head * headDim;
      VectorAttention.score(
          q, qOffset + first, keyPages, length, kvHead, heads, headDim, scale, scores);
      for (int i = 0; i < heads; i++) {
        exponentiate(scores, i * padded, length, padded);
      }
      int to = outOffset + first;
      VectorAttention.mix(valuePages, length, kvHead, heads, headDim, scores, out, to);
      for (int i = 0; i < heads; i++) {
        float inverse = 1f / sum(scores, i * padded, padded);
        scale(out, to + i * headDim, headDim, inverse);
      }
    }
  }

  /**
   * Replaces {@code length} scores by {@code exp(score - maximum)}, and those from there to {@code
   * padded} by 0.
   */
  private static void exponentiate(float[] scores, int offset, int length, int padded) {
    Arrays.fill(scores, offset + length, offset + padded, Float.NEGATIVE_INFINITY);
    FloatVector maxima = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < padded; i += Lanes.COUNT) {
      maxima = FloatVector.fromArray(Lanes.FLOATS, scores, offset + i).max(maxima);
    }
    float max = maxima.reduceLanes(VectorOperators.MAX);
    VectorExp.exponentiate(scores, offset, padded, max);
    Arrays.fill(scores, offset + length, offset + padded, 0f);
  }

  /**
   * Sum in the canonical order of {@code count} elements, a multiple of 16; destroys the first
   * sixteen.
   */
  private static float sum(float[] x, int offset, int count) {
    for (int part = 0; part < PARTIALS; part += Lanes.COUNT) {
      FloatVector partials = FloatVector.fromArray(Lanes.FLOATS, x, offset + part);
      for (int i = PARTIALS; i < count; i += PARTIALS) {
        partials = FloatVector.fromArray(Lanes.FLOATS, x, offset + part + i).add(partials);
      }
      partials.intoArray(x, offset + part);
    }
    for (int half = PARTIALS / 2; half > 0; half /= 2) {
      for (int j = 0; j < half; j++) {
        x[offset + j] += x[offset + j + half];
      }
    }
    return x[offset];
  }

  private static void scale(float[] x, int offset, int count, float factor) {
    int whole = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < whole; i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, x, offset + i).mul(factor).intoArray(x, offset + i);
    }
    for (int i = whole; i < count; i++) {
      x[offset + i] *= factor;
    }
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
