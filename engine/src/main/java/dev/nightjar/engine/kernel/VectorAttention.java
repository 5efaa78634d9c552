package dev.nightjar.engine.kernel;

import dev.nightjar.engine.api.KvType;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * {@link Kernels#attendHead} on vectors. The queries of several rows are taken together, so that a
 * page is read, and converted to fp32, once for all of them.
 */
final class VectorAttention {
  private static final int PAGE = Kernels.PAGE;

  /**
   * Pages of a head whose keys, then values, are fetched before they are used: they stay in the
   * second-level cache.
   */
  private static final int PAGES_AHEAD = 64;

  /** Queries from which on the wait for memory is little beside what a page is used for. */
  private static final int LEAST_QUERIES_TO_GO_ON = 16;

  /** Scores that stay in the second-level cache. */
  private static final int MAX_SCORES = 1 << 16;

  private VectorAttention() {}

  static void attend(
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
    int group = shape.groupSize();
    int width = group * shape.keysValues().headDim();
    int padded = padded(visible[firstRow + rows - 1]) - firstPage(from, firstRow) * PAGE;
    int most =
        Math.clamp(Math.min(AttentionRuns.MAX_QUERIES, MAX_SCORES / padded) / group, 1, rows);
    for (int done = 0; done < rows; done += most) {
      int first = firstRow + done;
      int count = Math.min(most, rows - done);
      for (int row = first; row < first + count; row++) {
        int to = row * shape.queryDim() + kvHead * width;
        Arrays.fill(out, to, to + width, 0f);
      }
      attendTogether(shape, kvHead, q, out, first, count, pages, from, visible, scratch);
    }
  }

  /** The page that the rows' first entry is in. */
  private static int firstPage(int[] from, int firstRow) {
    return from == null ? 0 : from[firstRow] / PAGE;
  }

  private static int padded(int length) {
    return (length + PAGE - 1) / PAGE * PAGE;
  }

  /**
   * Adds to {@code out}; the queries of row r are {@code [r * group, (r + 1) * group)}. Entries are
   * counted from the first page that any row attends to.
   */
  private static void attendTogether(
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
    int headDim = layout.headDim();
    int group = shape.groupSize();
    int queries = rows * group;
    int skipped = firstPage(from, firstRow);
    int start = skipped * PAGE;
    int stride = padded(visible[firstRow + rows - 1]) - start;
    float[] scores = scratch.scores(queries * stride);
    int[] at = scratch.starts(queries);
    for (int i = 0; i < queries; i++) {
      at[i] = (firstRow + i / group) * shape.queryDim() + (kvHead * group + i % group) * headDim;
    }
    boolean direct = layout.type() == KvType.F32;
    long panelBytes = (long) headDim * PAGE * Float.BYTES;
    MemorySegment panel = direct ? null : scratch.panel(2 * panelBytes);
    boolean fetches = queries < LEAST_QUERIES_TO_GO_ON;
    int end = skipped + stride / PAGE;
    int page = 0;
    while (page < stride / PAGE) {
      if (fetches && page % PAGES_AHEAD == 0) {
        fetch(layout, pages, skipped + page, end, layout.keys(kvHead), scratch);
      }
      boolean pair = queries <= 4 && page + 1 < stride / PAGE;
      if (!direct) {
        KvFiller.keys(layout, pages[skipped + page], kvHead, panel, 0, scratch);
        if (pair) {
          KvFiller.keys(layout, pages[skipped + page + 1], kvHead, panel, panelBytes, scratch);
        }
      }
      MemorySegment keys = direct ? pages[skipped + page] : panel;
      long base = direct ? layout.keys(kvHead) : 0;
      int to = page * PAGE;
      if (pair) {
        MemorySegment next = direct ? pages[skipped + page + 1] : panel;
        long nextBase = direct ? base : panelBytes;
        float scale = shape.scale();
        VectorScores.scorePair(
            q, at, queries, keys, base, next, nextBase, headDim, scale, scores, to, stride);
        page += 2;
      } else {
        VectorScores.score(q, at, queries, keys, base, headDim, shape.scale(), scores, to, stride);
        page++;
      }
    }
    for (int i = 0; i < queries; i++) {
      int row = firstRow + i / group;
      int length = visible[row] - start;
      if (shape.softCap() > 0) {
        VectorTanh.softCap(scores, i * stride, length, shape.softCap());
      }
      exponentiate(scores, i * stride, from == null ? 0 : from[row] - start, length);
    }
    for (page = 0; page < stride / PAGE; page++) {
      if (fetches && page % PAGES_AHEAD == 0) {
        fetch(layout, pages, skipped + page, end, layout.values(kvHead), scratch);
      }
      if (!direct) {
        KvFiller.values(layout, pages[skipped + page], kvHead, panel, scratch);
      }
      MemorySegment values = direct ? pages[skipped + page] : panel;
      long base = direct ? layout.values(kvHead) : 0;
      int first = page * PAGE;
      int latest = from == null ? 0 : from[firstRow + rows - 1] - start;
      if (latest <= first && visible[firstRow] - start >= first + PAGE) {
        VectorMix.mix(values, base, PAGE, headDim, scores, first, stride, out, at, 0, queries);
      } else {
        for (int row = 0; row < rows; row++) {
          int begin = Math.max(0, from == null ? 0 : from[firstRow + row] - start - first);
          int count = Math.min(PAGE, visible[firstRow + row] - start - first) - begin;
          if (count > 0) {
            int query = row * group;
            int weights = query * stride + first + begin;
            long value = base + (long) begin * headDim * Float.BYTES;
            VectorMix.mix(
                values, value, count, headDim, scores, weights, stride, out, at, query, group);
          }
        }
      }
    }
    for (int i = 0; i < queries; i++) {
      float inverse = 1f / sum(scores, i * stride, padded(visible[firstRow + i / group] - start));
      scale(out, at[i], headDim, inverse);
    }
  }

  /** Brings one head's keys, or values, of the next pages into the cache. */
  private static void fetch(
      KvLayout layout, MemorySegment[] pages, int first, int end, long offset, Scratch scratch) {
    long bytes = (long) layout.headDim() * PAGE * layout.type().bytes();
    int last = Math.min(end, first + PAGES_AHEAD);
    scratch.keep(ReadAhead.touch(pages, first, last, offset, bytes));
  }

  /**
   * Replaces the scores {@code from} to {@code length} by {@code exp(score - maximum)}, those
   * before and those behind up to a whole page by 0.
   */
  private static void exponentiate(float[] scores, int offset, int from, int length) {
    int padded = padded(length);
    Arrays.fill(scores, offset, offset + from, Float.NEGATIVE_INFINITY);
    Arrays.fill(scores, offset + length, offset + padded, Float.NEGATIVE_INFINITY);
    FloatVector maxima = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < padded; i += Lanes.COUNT) {
      maxima = FloatVector.fromArray(Lanes.FLOATS, scores, offset + i).max(maxima);
    }
    float max = maxima.reduceLanes(VectorOperators.MAX);
    VectorExp.exponentiate(scores, offset, padded, max);
    Arrays.fill(scores, offset, offset + from, 0f);
    Arrays.fill(scores, offset + length, offset + padded, 0f);
  }

  /**
   * Sum in the canonical order of {@code count} elements, a multiple of 16; destroys the first
   * sixteen.
   */
  private static float sum(float[] x, int offset, int count) {
    for (int part = 0; part < PAGE; part += Lanes.COUNT) {
      FloatVector partials = FloatVector.fromArray(Lanes.FLOATS, x, offset + part);
      for (int i = PAGE; i < count; i += PAGE) {
        partials = FloatVector.fromArray(Lanes.FLOATS, x, offset + part + i).add(partials);
      }
      partials.intoArray(x, offset + part);
    }
    for (int half = PAGE / 2; half > 0; half /= 2) {
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
}
