package dev.nightjar.engine.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** {@link Kernels#exp} of a vector: the same operations as {@link ScalarKernels#exp1} in every lane. */
final class VectorExp {
  private VectorExp() {}

  static FloatVector exp(FloatVector x) {
    FloatVector rounder = FloatVector.broadcast(Lanes.FLOATS, Exp.ROUNDER);
    FloatVector shifted = x.fma(FloatVector.broadcast(Lanes.FLOATS, Exp.LOG2_E), rounder);
    IntVector n = shifted.reinterpretAsInts().sub(Exp.ROUNDER_BITS);
    FloatVector whole = shifted.sub(rounder);
    FloatVector r = whole.fma(FloatVector.broadcast(Lanes.FLOATS, -Exp.LN2_HIGH), x);
    r = whole.fma(FloatVector.broadcast(Lanes.FLOATS, -Exp.LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(Lanes.FLOATS, Exp.C7);
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exp.C6));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exp.C5));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exp.C4));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exp.C3));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exp.C2));
    p = p.fma(r.mul(r), r).add(1f);
    IntVector n1 = n.lanewise(VectorOperators.ASHR, 1);
    IntVector n2 = n.sub(n1);
    FloatVector y =
        p.mul(n1.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats())
            .mul(n2.add(Exp.BIAS).lanewise(VectorOperators.LSHL, Exp.FRACTION_BITS).reinterpretAsFloats());
    return y.blend(0f, x.compare(VectorOperators.LT, Exp.LOWEST))
        .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, Exp.HIGHEST))
        .blend(Float.NaN, x.compare(VectorOperators.NE, x));
  }
}
