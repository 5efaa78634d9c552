package dev.nightjar.engine.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * {@link Kernels#matmul} over the Vector API.
 *
 * <p>With many rows, quantised weights are taken a group and up to {@link PanelKernels#DEPTH}
 * columns at a time: converted to fp32 into a panel that stays in the first-level cache, which is
 * then multiplied with all rows. With few rows, and always with {@code BF16}, they are converted in
 * registers instead. Weights further on are brought into the cache meanwhile ({@link Prefetcher}).
 * Sums of a group are complete before they are written out.
 */
final class VectorMatmul {
  private static final int GROUP = PackedMatrix.GROUP;
  private static final int BLOCK = PackedMatrix.BLOCK;
  private static final int DEPTH = PanelKernels.DEPTH;
  private static final int COLUMN_BYTES = PackedMatrix.COLUMN_BYTES;

  /** Rows up to which {@link ByteKernels} are faster than a panel. */
  private static final int MOST_ROWS_OF_BYTES = 4;

  /** The same for {@link NibbleKernels}. */
  private static final int MOST_ROWS_OF_NIBBLES = 8;

  /** The same for {@link ScaledByteKernels} and {@link ScaledNibbleKernels}. */
  private static final int MOST_ROWS_OF_SCALED_BYTES = 6;

  private static final int MOST_ROWS_OF_SCALED_NIBBLES = 4;

  /** Most rows per call of all of these. */
  private static final int MOST_ROWS_OF_PAIRS = 4;

  /** Most rows at a time: their sums stay in the first-level cache, or nearly. */
  private static final int MOST_ROWS = 132;

  /** Most inputs at a time: they stay in the second-level cache. */
  private static final int MOST_INPUTS = 1 << 18;

  private VectorMatmul() {}

  /** {@link Kernels#matmul} of at least one row with at least one matrix. */
  static void multiply(Products products, float[] x, int xStride, int rows, Scratch scratch) {
    int columns = products.matrix(0).columns();
    int strips = (rows + MOST_ROWS - 1) / MOST_ROWS;
    int row = 0;
    for (int strip = 0; strip < strips; strip++) {
      int size = rows / strips + (strip < rows % strips ? 1 : 0);
      int pieces = (columns + DEPTH - 1) / DEPTH;
      int depth = (columns + pieces * BLOCK - 1) / (pieces * BLOCK) * BLOCK;
      int width = Math.max(1, MOST_INPUTS / (size * DEPTH)) * depth;
      for (int column = 0; column < columns; column += width) {
        int end = Math.min(columns, column + width);
        float[] inputs = null;
        for (int i = 0; i < products.size(); i++) {
          boolean whole = readsWhole(products.matrix(i), rows);
          if (whole && column == 0) {
            multiplyStrip(products, i, 0, columns, x, row, size, columns, scratch);
          } else if (!whole) {
            if (inputs == null) {
              inputs = scratch.inputs(size * ((end - column + depth - 1) / depth) * DEPTH);
              regroup(x, row * xStride, xStride, size, column, end, depth, inputs);
            }
            multiplyStrip(products, i, column, end, inputs, row, size, depth, scratch);
          }
        }
      }
      row += size;
    }
  }

  /** Whether a matrix is multiplied with one row as it is, all columns at once. */
  private static boolean readsWhole(PackedMatrix w, int rows) {
    return rows == 1
        && switch (w.form()) {
          case FLOATS, BYTES, NIBBLES -> true;
          case PAIRS -> inWholePairs(w);
          case HALVES, SCALED_BYTES, SCALED_NIBBLES -> false;
        };
  }

  /**
   * Adds the products of one matrix with columns {@code [first, end)} to its outputs; from 0 on, to
   * nothing.
   */
  private static void multiplyStrip(
      Products products,
      int index,
      int first,
      int end,
      float[] inputs,
      int firstRow,
      int rows,
      int depth,
      Scratch scratch) {
    PackedMatrix w = products.matrix(index);
    float[] out = products.out(index);
    int outStride = products.outStride(index);
    int outOffset = products.outOffset(index) + firstRow * outStride;
    boolean fours = rows == 1 && w.form() == PackedForm.BYTES;
    boolean pairs = inPairs(w.form(), rows);
    int fewer = pairs ? 2 : 1;
    int groups = fours ? 4 : fewer;
    float[] sums = scratch.outputs(groups * rows * GROUP);
    scratch.prefetcher().start(w.data());
    for (int group = 0; group < w.groups(); group += groups) {
      groups = fours && group + 4 <= w.groups() ? 4 : fewer;
      Arrays.fill(sums, 0, groups * rows * GROUP, 0f);
      for (int i = 0; first > 0 && i < groups && group + i < w.groups(); i++) {
        int output = (group + i) * GROUP;
        int count = Math.min(GROUP, w.rows() - output);
        load(sums, i * rows * GROUP, rows, out, outOffset + output, outStride, count);
      }
      if (groups == 4) {
        multiplyFour(w, group, first, end, inputs, sums);
      } else if (pairs) {
        multiplyPair(w, group, first, end, inputs, rows, depth, sums, scratch);
      } else {
        multiplyGroup(w, group, first, end, inputs, rows, depth, sums, scratch);
      }
      for (int i = 0; i < groups && group + i < w.groups(); i++) {
        int output = (group + i) * GROUP;
        int count = Math.min(GROUP, w.rows() - output);
        store(sums, i * rows * GROUP, rows, out, outOffset + output, outStride, count);
      }
    }
  }

  /** Whether {@link HalfKernels}, which take two columns at a time, can multiply it. */
  private static boolean inWholePairs(PackedMatrix w) {
    return w.columns() % 2 == 0;
  }

  private static boolean inPairs(PackedForm form, int rows) {
    return switch (form) {
      case FLOATS, HALVES, PAIRS -> false;
      case BYTES -> rows <= MOST_ROWS_OF_BYTES;
      case NIBBLES -> rows <= MOST_ROWS_OF_NIBBLES;
      case SCALED_BYTES -> rows <= MOST_ROWS_OF_SCALED_BYTES;
      case SCALED_NIBBLES -> rows <= MOST_ROWS_OF_SCALED_NIBBLES;
    };
  }

  /** Cuts columns of rows into pieces of {@code depth}: {@code [pieces, rows, DEPTH]}. */
  private static void regroup(
      float[] x,
      int xOffset,
      int xStride,
      int rows,
      int first,
      int end,
      int depth,
      float[] inputs) {
    int to = 0;
    for (int column = first; column < end; column += depth) {
      int count = Math.min(depth, end - column);
      for (int m = 0; m < rows; m++) {
        System.arraycopy(x, xOffset + m * xStride + column, inputs, to, count);
        to += DEPTH;
      }
    }
  }

  private static void load(
      float[] sums, int offset, int rows, float[] out, int first, int outStride, int count) {
    for (int m = 0; m < rows; m++) {
      System.arraycopy(out, first + m * outStride, sums, offset + m * GROUP, count);
    }
  }

  private static void store(
      float[] sums, int offset, int rows, float[] out, int first, int outStride, int count) {
    int whole = count == GROUP ? GROUP : 0;
    for (int lane = 0; lane < whole; lane += PanelKernels.OUTPUTS) {
      for (int m = 0; m < rows; m++) {
        int from = offset + m * GROUP + lane;
        int to = m * outStride + first + lane;
        FloatVector.fromArray(Lanes.FLOATS, sums, from).intoArray(out, to);
        FloatVector.fromArray(Lanes.FLOATS, sums, from + Lanes.COUNT)
            .intoArray(out, to + Lanes.COUNT);
      }
    }
    for (int m = 0; m < rows && whole == 0; m++) {
      System.arraycopy(sums, offset + m * GROUP, out, m * outStride + first, count);
    }
  }

  private static void multiplyFour(
      PackedMatrix w, int group, int first, int end, float[] inputs, float[] sums) {
    long base = w.offset(group, first);
    for (int lane = 0; lane < GROUP; lane += PanelKernels.OUTPUTS) {
      ByteKernels.multiplyFour(
          w.data(), base, w.offset(1, 0), lane, end - first, inputs, 0, sums, lane);
    }
  }

  /** Few rows with two groups, or twice with the same one where there is no other. */
  private static void multiplyPair(
      PackedMatrix w,
      int group,
      int first,
      int end,
      float[] inputs,
      int rows,
      int depth,
      float[] sums,
      Scratch scratch) {
    int next = Math.min(group + 1, w.groups() - 1);
    boolean scaled = w.form().isScaled();
    float[] scales = scratch.floats(scaled ? 2 * ScaleTable.PIECE_FLOATS : 0);
    int blocks = (rows + MOST_ROWS_OF_PAIRS - 1) / MOST_ROWS_OF_PAIRS;
    int from = 0;
    for (int column = first; column < end; column += depth) {
      int count = Math.min(depth, end - column);
      long base = w.offset(group, column);
      long other = w.offset(next, column);
      if (scaled) {
        ScaledPanelFiller.fillScales(w, group, column, count, scales, 0);
        ScaledPanelFiller.fillScales(w, next, column, count, scales, ScaleTable.PIECE_FLOATS);
      }
      int row = 0;
      for (int block = 0; block < blocks; block++) {
        int size = rows / blocks + (block < rows % blocks ? 1 : 0);
        for (int lane = 0; lane < GROUP; lane += PanelKernels.OUTPUTS) {
          int to = row * GROUP + lane;
          int toOther = to + rows * GROUP;
          multiplyPairRows(
              w, size, base, other, lane, count, inputs, from, sums, to, toOther, scales);
        }
        from += size * DEPTH;
        row += size;
      }
    }
  }

  private static void multiplyPairRows(
      PackedMatrix w,
      int rows,
      long base,
      long other,
      int lane,
      int depth,
      float[] x,
      int from,
      float[] sums,
      int to,
      int toOther,
      float[] scales) {
    MemorySegment data = w.data();
    switch (w.form()) {
      case BYTES ->
          ByteKernels.multiply(rows, data, base, other, lane, depth, x, from, sums, to, toOther);
      case NIBBLES ->
          NibbleKernels.multiply(rows, data, base, other, lane, depth, x, from, sums, to, toOther);
      case SCALED_BYTES ->
          ScaledByteKernels.multiply(
              rows, data, base, other, lane, depth, x, from, sums, to, toOther, scales);
      case SCALED_NIBBLES ->
          ScaledNibbleKernels.multiply(
              rows, data, base, other, lane, depth, x, from, sums, to, toOther, scales);
      case FLOATS, HALVES, PAIRS -> throw new IllegalStateException("not multiplied in pairs");
    }
  }

  /** What multiplies rows with one group: converted before, or while multiplying. */
  private enum Body {
    PANEL(PanelKernels.MAX_ROWS, COLUMN_BYTES),
    HALVES(HalfKernels.MAX_ROWS, COLUMN_BYTES / 2),
    BYTES(TallByteKernels.MAX_ROWS, COLUMN_BYTES / BLOCK + GROUP);

    final int maxRows;
    final int columnBytes;

    Body(int maxRows, int columnBytes) {
      this.maxRows = maxRows;
      this.columnBytes = columnBytes;
    }

    static Body of(PackedMatrix w, int rows) {
      if (w.form() == PackedForm.BYTES && rows <= TallByteKernels.MAX_ROWS) {
        return BYTES;
      }
      return w.form() == PackedForm.PAIRS && inWholePairs(w) ? HALVES : PANEL;
    }

    /**
     * Whether multiplying takes so long that fetching hides behind it. It does with a multiply-add
     * a byte; with fewer the processor sees further ahead by itself than fetching in turns reaches.
     */
    boolean hides(int rows) {
      return rows * GROUP >= columnBytes;
    }

    void multiply(
        int rows,
        MemorySegment weights,
        long base,
        int depth,
        float[] x,
        int from,
        float[] sums,
        int to) {
      switch (this) {
        case PANEL -> PanelKernels.multiply(rows, weights, base, depth, x, from, sums, to);
        case HALVES -> HalfKernels.multiply(rows, weights, base, depth, x, from, sums, to);
        case BYTES -> TallByteKernels.multiply(rows, weights, base, depth, x, from, sums, to);
      }
    }
  }

  private static void multiplyGroup(
      PackedMatrix w,
      int group,
      int first,
      int end,
      float[] inputs,
      int rows,
      int depth,
      float[] sums,
      Scratch scratch) {
    Body body = Body.of(w, rows);
    boolean converts = body == Body.PANEL && w.form() != PackedForm.FLOATS;
    MemorySegment panel = converts ? scratch.panel((long) DEPTH * COLUMN_BYTES) : w.data();
    Prefetcher prefetcher = scratch.prefetcher();
    boolean whole = first == 0 && end == w.columns();
    boolean fetches = whole && (converts || body.hides(rows));
    int passes = GROUP / PanelKernels.OUTPUTS;
    int from = 0;
    for (int column = first; column < end; column += depth) {
      int count = Math.min(depth, end - column);
      long base = w.offset(group, column);
      long begin = base;
      int bytes = fetches ? (int) (w.offset(group, column + count) - begin) / passes : 0;
      if (converts) {
        PanelFiller.fill(w, group, column, count, panel, scratch);
        base = 0;
      }
      for (int lane = 0; lane < GROUP; lane += PanelKernels.OUTPUTS) {
        long at = base + (long) lane * Float.BYTES;
        multiplyRows(
            body, panel, at, count, inputs, from, rows, sums, lane, begin, bytes, prefetcher);
        begin += bytes;
      }
      from += rows * DEPTH;
    }
  }

  /**
   * Divides the rows into as few blocks as possible, about equal and even: those are faster.
   * Between them, and within them if the weights are many for few rows, further weights are
   * fetched.
   *
   * @param begin where the weights of this call begin, if there were no conversion
   * @param bytes of these; 0 fetches nothing
   */
  private static void multiplyRows(
      Body body,
      MemorySegment weights,
      long base,
      int depth,
      float[] inputs,
      int offset,
      int rows,
      float[] sums,
      int lane,
      long begin,
      int bytes,
      Prefetcher prefetcher) {
    int blocks = (rows + body.maxRows - 1) / body.maxRows;
    int pairs = (rows + 1) / 2;
    int burst = Prefetcher.BURST * Prefetcher.LINE;
    int parts = Math.max(1, (bytes / blocks + burst - 1) / burst);
    int part = parts == 1 ? depth : (depth / parts + BLOCK - 1) / BLOCK * BLOCK;
    int row = 0;
    for (int block = 0; block < blocks; block++) {
      int size = Math.min(rows - row, 2 * (pairs / blocks + (block < pairs % blocks ? 1 : 0)));
      int to = row * GROUP + lane;
      for (int column = 0; column < depth; column += part) {
        int count = Math.min(part, depth - column);
        long at = base + (long) column * body.columnBytes;
        int from = offset + row * DEPTH + column;
        body.multiply(size, weights, at, count, inputs, from, sums, to);
        if (bytes > 0) {
          long done = (long) block * depth + column + count;
          prefetcher.reach(begin + bytes * done / ((long) blocks * depth));
        }
      }
      row += size;
    }
  }
}
