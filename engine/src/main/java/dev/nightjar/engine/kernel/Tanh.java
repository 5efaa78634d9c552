package dev.nightjar.engine.kernel;

/**
 * Constants of {@link ScalarKernels#tanh1}: the ratio of an odd polynomial of degree 13 and an even
 * one of degree 6 that Eigen uses for fp32.
 */
final class Tanh {
  static final float LIMIT = 7.90531110763549805f;
  static final float P1 = 4.89352455891786e-03f;
  static final float P3 = 6.37261928875436e-04f;
  static final float P5 = 1.48572235717979e-05f;
  static final float P7 = 5.12229709037114e-08f;
  static final float P9 = -8.60467152213735e-11f;
  static final float P11 = 2.00018790482477e-13f;
  static final float P13 = -2.76076847742355e-16f;
  static final float Q0 = 4.89352518554385e-03f;
  static final float Q2 = 2.26843463243900e-03f;
  static final float Q4 = 1.18534705686654e-04f;
  static final float Q6 = 1.19825839466702e-06f;

  /** {@code sqrt(2/pi)}, and 0.044715 of it. */
  static final float GELU_FACTOR = 0.7978845608f;

  static final float GELU_CUBE = 0.0356774081f;

  private Tanh() {}
}
