package dev.nightjar.engine.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Loops around {@link Kernels#exp}: the same operations as {@link ScalarKernels#exp1} in every
 * lane.
 *
 * <p>The exponential is written out in each loop on purpose. As a method it is too large for C2 to
 * inline it reliably: once it has been compiled by itself, later callers call it, and allocate its
 * argument and result for every vector.
 */
final class VectorExp {
  private static final FloatVector LOG2_E = constant(Exp.LOG2_E);
  private static final FloatVector ROUNDER = constant(Exp.ROUNDER);
  private static final FloatVector MINUS_LN2_HIGH = constant(-Exp.LN2_HIGH);
  private static final FloatVector MINUS_LN2_LOW = constant(-Exp.LN2_LOW);
  private static final FloatVector C2 = constant(Exp.C2);
  private static final FloatVector C3 = constant(Exp.C3);
  private static final FloatVector C4 = constant(Exp.C4);
  private static final FloatVector C5 = constant(Exp.C5);
  private static final FloatVector C6 = constant(Exp.C6);
  private static final FloatVector C7 = constant(Exp.C7);

  private VectorExp() {}

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(Lanes.FLOATS, value);
  }

  /** {@code x[i] = exp(x[i] - shift)} for {@code count} elements from {@code offset} on. */
  static void exponentiate(float[] x, int offset, int count, float shift) {
    int bound = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector v = FloatVector.fromArray(Lanes.FLOATS, x, offset + i).sub(shift);
      FloatVector shifted = v.fma(LOG2_E, ROUNDER);
      IntVector n = shifted.reinterpretAsInts().sub(Exp.ROUNDER_BITS);
      FloatVector whole = shifted.sub(ROUNDER);
      FloatVector r = whole.fma(MINUS_LN2_LOW, whole.fma(MINUS_LN2_HIGH, v));
      FloatVector p =
          C7.fma(r, C6).fma(r, C5).fma(r, C4).fma(r, C3).fma(r, C2).fma(r.mul(r), r).add(1f);
      IntVector n1 = n.lanewise(VectorOperators.ASHR, 1);
      IntVector n2 = n.sub(n1);
      FloatVector y1 =
          n1.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats();
      FloatVector y2 =
          n2.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats();
      FloatVector e =
          p.mul(y1)
              .mul(y2)
              .blend(0f, v.compare(VectorOperators.LT, Exp.LOWEST))
              .blend(Float.POSITIVE_INFINITY, v.compare(VectorOperators.GT, Exp.HIGHEST))
              .blend(Float.NaN, v.compare(VectorOperators.NE, v));
      e.intoArray(x, offset + i);
    }
    for (int i = bound; i < count; i++) {
      x[offset + i] = ScalarKernels.exp1(x[offset + i] - shift);
    }
  }

  /** {@code x[i] = x[i] / (1 + exp(-x[i]))} for {@code count} elements. */
  static void silu(float[] x, int count) {
    int bound = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector v = FloatVector.fromArray(Lanes.FLOATS, x, i).neg();
      FloatVector shifted = v.fma(LOG2_E, ROUNDER);
      IntVector n = shifted.reinterpretAsInts().sub(Exp.ROUNDER_BITS);
      FloatVector whole = shifted.sub(ROUNDER);
      FloatVector r = whole.fma(MINUS_LN2_LOW, whole.fma(MINUS_LN2_HIGH, v));
      FloatVector p =
          C7.fma(r, C6).fma(r, C5).fma(r, C4).fma(r, C3).fma(r, C2).fma(r.mul(r), r).add(1f);
      IntVector n1 = n.lanewise(VectorOperators.ASHR, 1);
      IntVector n2 = n.sub(n1);
      FloatVector y1 =
          n1.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats();
      FloatVector y2 =
          n2.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats();
      FloatVector e =
          p.mul(y1)
              .mul(y2)
              .blend(0f, v.compare(VectorOperators.LT, Exp.LOWEST))
              .blend(Float.POSITIVE_INFINITY, v.compare(VectorOperators.GT, Exp.HIGHEST))
              .blend(Float.NaN, v.compare(VectorOperators.NE, v));
      v.neg().div(e.add(1f)).intoArray(x, i);
    }
    for (int i = bound; i < count; i++) {
      x[i] = ScalarKernels.silu1(x[i]);
    }
  }

  /**
   * Sum of {@code exp(x[i] - shift)} over {@code count} elements from {@code offset} on, in the
   * canonical order.
   */
  static float sumOfExps(float[] x, int offset, int count, float shift) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a = zero;
    FloatVector b = zero;
    FloatVector c = zero;
    FloatVector d = zero;
    int bound = count / Lanes.PARTIALS * Lanes.PARTIALS;
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector v = FloatVector.fromArray(Lanes.FLOATS, x, offset + i).sub(shift);
      FloatVector shifted = v.fma(LOG2_E, ROUNDER);
      IntVector n = shifted.reinterpretAsInts().sub(Exp.ROUNDER_BITS);
      FloatVector whole = shifted.sub(ROUNDER);
      FloatVector r = whole.fma(MINUS_LN2_LOW, whole.fma(MINUS_LN2_HIGH, v));
      FloatVector p =
          C7.fma(r, C6).fma(r, C5).fma(r, C4).fma(r, C3).fma(r, C2).fma(r.mul(r), r).add(1f);
      IntVector n1 = n.lanewise(VectorOperators.ASHR, 1);
      IntVector n2 = n.sub(n1);
      FloatVector y1 =
          n1.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats();
      FloatVector y2 =
          n2.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats();
      FloatVector e =
          p.mul(y1)
              .mul(y2)
              .blend(0f, v.compare(VectorOperators.LT, Exp.LOWEST))
              .blend(Float.POSITIVE_INFINITY, v.compare(VectorOperators.GT, Exp.HIGHEST))
              .blend(Float.NaN, v.compare(VectorOperators.NE, v));
      // Partial sums that take more than one vector take turns, and are back in their places at the
      // end.
      FloatVector sum = e.add(a);
      if (Lanes.PARTS == 1) {
        a = sum;
      } else if (Lanes.PARTS == 2) {
        a = b;
        b = sum;
      } else {
        a = b;
        b = c;
        c = d;
        d = sum;
      }
    }
    for (int i = bound; i < count; i++) {
      // In all lanes but one, zero is added, which changes nothing: no sum is -0.
      float value = ScalarKernels.exp1(x[offset + i] - shift);
      int partial = i - bound;
      a = zero.blend(value, Lanes.INDEX.compare(VectorOperators.EQ, partial)).add(a);
      partial -= Lanes.COUNT;
      b = zero.blend(value, Lanes.INDEX.compare(VectorOperators.EQ, partial)).add(b);
      partial -= Lanes.COUNT;
      c = zero.blend(value, Lanes.INDEX.compare(VectorOperators.EQ, partial)).add(c);
      partial -= Lanes.COUNT;
      d = zero.blend(value, Lanes.INDEX.compare(VectorOperators.EQ, partial)).add(d);
    }
    FloatVector p = Lanes.PARTS == 4 ? a.add(c).add(b.add(d)) : Lanes.PARTS == 2 ? a.add(b) : a;
    p = Lanes.COUNT == 16 ? p.add(p.rearrange(Lanes.FOLD_8)) : p;
    p = Lanes.COUNT >= 8 ? p.add(p.rearrange(Lanes.FOLD_4)) : p;
    p = p.add(p.rearrange(Lanes.FOLD_2));
    return p.add(p.rearrange(Lanes.FOLD_1)).lane(0);
  }
}
