package dev.nightjar.engine.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * Loops around the hyperbolic tangent: the same operations as {@link ScalarKernels#tanh1} in every
 * lane, written out in each loop for the reason that {@link VectorExp} gives.
 */
final class VectorTanh {
  private static final FloatVector HIGHEST = constant(Tanh.LIMIT);
  private static final FloatVector LOWEST = constant(-Tanh.LIMIT);
  private static final FloatVector P1 = constant(Tanh.P1);
  private static final FloatVector P3 = constant(Tanh.P3);
  private static final FloatVector P5 = constant(Tanh.P5);
  private static final FloatVector P7 = constant(Tanh.P7);
  private static final FloatVector P9 = constant(Tanh.P9);
  private static final FloatVector P11 = constant(Tanh.P11);
  private static final FloatVector P13 = constant(Tanh.P13);
  private static final FloatVector Q0 = constant(Tanh.Q0);
  private static final FloatVector Q2 = constant(Tanh.Q2);
  private static final FloatVector Q4 = constant(Tanh.Q4);
  private static final FloatVector Q6 = constant(Tanh.Q6);
  private static final FloatVector GELU_FACTOR = constant(Tanh.GELU_FACTOR);
  private static final FloatVector GELU_CUBE = constant(Tanh.GELU_CUBE);

  private VectorTanh() {}

  private static FloatVector constant(float value) {
    return FloatVector.broadcast(Lanes.FLOATS, value);
  }

  /** {@code x[i] = cap * tanh(x[i] / cap)} for {@code count} elements from {@code offset} on. */
  static void softCap(float[] x, int offset, int count, float cap) {
    int bound = Lanes.FLOATS.loopBound(count);
    for (int i = offset; i < offset + bound; i += Lanes.COUNT) {
      FloatVector c = FloatVector.fromArray(Lanes.FLOATS, x, i).div(cap).min(HIGHEST).max(LOWEST);
      FloatVector s = c.mul(c);
      FloatVector p = P13.fma(s, P11).fma(s, P9).fma(s, P7).fma(s, P5).fma(s, P3).fma(s, P1).mul(c);
      p.div(Q6.fma(s, Q4).fma(s, Q2).fma(s, Q0)).mul(cap).intoArray(x, i);
    }
    for (int i = offset + bound; i < offset + count; i++) {
      x[i] = ScalarKernels.softCap1(x[i], cap);
    }
  }

  /** {@code x[i] = gelu(x[i])} for {@code count} elements. */
  static void gelu(float[] x, int count) {
    int bound = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < bound; i += Lanes.COUNT) {
      FloatVector v = FloatVector.fromArray(Lanes.FLOATS, x, i);
      FloatVector half = v.mul(0.5f);
      FloatVector c = v.mul(v.mul(v).fma(GELU_CUBE, GELU_FACTOR)).min(HIGHEST).max(LOWEST);
      FloatVector s = c.mul(c);
      FloatVector p = P13.fma(s, P11).fma(s, P9).fma(s, P7).fma(s, P5).fma(s, P3).fma(s, P1).mul(c);
      p.div(Q6.fma(s, Q4).fma(s, Q2).fma(s, Q0)).fma(half, half).intoArray(x, i);
    }
    for (int i = bound; i < count; i++) {
      x[i] = ScalarKernels.gelu1(x[i]);
    }
  }
}
