package dev.nightjar.engine.kernel;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * The two products of attention for up to four query heads that share one key/value head, over
 * packed pages.
 */
final class VectorAttention {
  /** Most query heads per call. */
  static final int MAX_HEADS = 4;

  private static final int PAGE = Kernels.PAGE;

  private VectorAttention() {}

  /**
   * {@code scores[h, t] = scale * sum_d q[h, d] * key[t, d]}, lanes running across positions.
   *
   * @param q {@code [heads, headDim]} from {@code qOffset}
   * @param scores {@code [heads, length rounded up to whole pages]}; what lies beyond {@code
   *     length} is arbitrary
   */
  static void score(
      float[] q,
      int qOffset,
      float[][] keyPages,
      int length,
      int kvHead,
      int heads,
      int headDim,
      float scale,
      float[] scores) {
    int pages = (length + PAGE - 1) / PAGE;
    int base = kvHead * headDim * PAGE;
    for (int page = 0; page < pages; page++) {
      if (heads == 1) {
        scoreOne(q, qOffset, keyPages[page], base, headDim, scale, scores, page * PAGE);
      } else {
        scoreFour(
            q,
            qOffset,
            keyPages[page],
            base,
            heads,
            headDim,
            scale,
            scores,
            page * PAGE,
            pages * PAGE);
      }
    }
  }

  private static void scoreOne(
      float[] q,
      int qOffset,
      float[] keys,
      int base,
      int headDim,
      float scale,
      float[] scores,
      int to) {
    for (int lane = 0; lane < PAGE; lane += Lanes.COUNT) {
      FloatVector s = FloatVector.zero(Lanes.FLOATS);
      for (int d = 0; d < headDim; d++) {
        s =
            FloatVector.fromArray(Lanes.FLOATS, keys, base + lane + d * PAGE)
                .fma(FloatVector.broadcast(Lanes.FLOATS, q[qOffset + d]), s);
      }
      s.mul(scale).intoArray(scores, to + lane);
    }
  }

  /** Two to four heads; missing ones repeat the last. */
  private static void scoreFour(
      float[] q,
      int qOffset,
      float[] keys,
      int base,
      int heads,
      int headDim,
      float scale,
      float[] scores,
      int to,
      int stride) {
    int third = Math.min(2, heads - 1);
    int fourth = heads - 1;
    int q1 = qOffset + headDim;
    int q2 = qOffset + third * headDim;
    int q3 = qOffset + fourth * headDim;
    for (int lane = 0; lane < PAGE; lane += Lanes.COUNT) {
      FloatVector s0 = FloatVector.zero(Lanes.FLOATS);
      FloatVector s1 = s0;
      FloatVector s2 = s0;
      FloatVector s3 = s0;
      for (int d = 0; d < headDim; d++) {
        FloatVector k = FloatVector.fromArray(Lanes.FLOATS, keys, base + lane + d * PAGE);
        s0 = k.fma(FloatVector.broadcast(Lanes.FLOATS, q[qOffset + d]), s0);
        s1 = k.fma(FloatVector.broadcast(Lanes.FLOATS, q[q1 + d]), s1);
        s2 = k.fma(FloatVector.broadcast(Lanes.FLOATS, q[q2 + d]), s2);
        s3 = k.fma(FloatVector.broadcast(Lanes.FLOATS, q[q3 + d]), s3);
      }
      s0.mul(scale).intoArray(scores, to + lane);
      s1.mul(scale).intoArray(scores, to + lane + stride);
      s2.mul(scale).intoArray(scores, to + lane + third * stride);
      s3.mul(scale).intoArray(scores, to + lane + fourth * stride);
    }
  }

  /**
   * {@code out[h, d] = sum_t weights[h, t] * value[t, d]}, positions ascending, lanes running
   * across d.
   *
   * @param weights {@code [heads, length rounded up to whole pages]}
   * @param out {@code [heads, headDim]} from {@code outOffset}, overwritten
   */
  static void mix(
      float[][] valuePages,
      int length,
      int kvHead,
      int heads,
      int headDim,
      float[] weights,
      float[] out,
      int outOffset) {
    int base = kvHead * PAGE * headDim;
    int whole = Lanes.FLOATS.loopBound(headDim);
    int stride = (length + PAGE - 1) / PAGE * PAGE;
    Arrays.fill(out, outOffset, outOffset + heads * headDim, 0f);
    // The sums rest in out between pages: C2 keeps vectors in registers over one loop, not over two
    // nested ones.
    for (int first = 0; first < length; first += PAGE) {
      float[] values = valuePages[first / PAGE];
      int count = Math.min(PAGE, length - first);
      if (heads == 1) {
        mixOne(values, count, base, whole, headDim, weights, first, out, outOffset);
      } else {
        mixFour(values, count, base, heads, whole, headDim, weights, first, stride, out, outOffset);
      }
    }
    for (int head = 0; head < heads; head++) {
      for (int d = whole; d < headDim; d++) {
        float sum = 0;
        for (int t = 0; t < length; t++) {
          float value = valuePages[t / PAGE][base + t % PAGE * headDim + d];
          sum = Math.fma(value, weights[head * stride + t], sum);
        }
        out[outOffset + head * headDim + d] = sum;
      }
    }
  }

  private static void mixOne(
      float[] values,
      int count,
      int base,
      int whole,
      int headDim,
      float[] weights,
      int first,
      float[] out,
      int to) {
    for (int d = 0; d < whole; d += Lanes.COUNT) {
      FloatVector s = FloatVector.fromArray(Lanes.FLOATS, out, to + d);
      for (int t = 0; t < count; t++) {
        s =
            FloatVector.fromArray(Lanes.FLOATS, values, base + d + t * headDim)
                .fma(FloatVector.broadcast(Lanes.FLOATS, weights[first + t]), s);
      }
      s.intoArray(out, to + d);
    }
  }

  /** Two to four heads; missing ones repeat the last. */
  private static void mixFour(
      float[] values,
      int count,
      int base,
      int heads,
      int whole,
      int headDim,
      float[] weights,
      int first,
      int stride,
      float[] out,
      int to) {
    int third = Math.min(2, heads - 1);
    int fourth = heads - 1;
    int w1 = first + stride;
    int w2 = first + third * stride;
    int w3 = first + fourth * stride;
    int to1 = to + headDim;
    int to2 = to + third * headDim;
    int to3 = to + fourth * headDim;
    for (int d = 0; d < whole; d += Lanes.COUNT) {
      FloatVector s0 = FloatVector.fromArray(Lanes.FLOATS, out, to + d);
      FloatVector s1 = FloatVector.fromArray(Lanes.FLOATS, out, to1 + d);
      FloatVector s2 = FloatVector.fromArray(Lanes.FLOATS, out, to2 + d);
      FloatVector s3 = FloatVector.fromArray(Lanes.FLOATS, out, to3 + d);
      for (int t = 0; t < count; t++) {
        FloatVector v = FloatVector.fromArray(Lanes.FLOATS, values, base + d + t * headDim);
        s0 = v.fma(FloatVector.broadcast(Lanes.FLOATS, weights[first + t]), s0);
        s1 = v.fma(FloatVector.broadcast(Lanes.FLOATS, weights[w1 + t]), s1);
        s2 = v.fma(FloatVector.broadcast(Lanes.FLOATS, weights[w2 + t]), s2);
        s3 = v.fma(FloatVector.broadcast(Lanes.FLOATS, weights[w3 + t]), s3);
      }
      s0.intoArray(out, to + d);
      s1.intoArray(out, to1 + d);
      s2.intoArray(out, to2 + d);
      s3.intoArray(out, to3 + d);
    }
  }
}
