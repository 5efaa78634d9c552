package dev.nightjar.engine.kernel;

/** Constants of {@link Kernels#exp}; the polynomial is that of Cephes' {@code expf}. */
final class Exp {
  static final float LOWEST = -87.3f;
  static final float HIGHEST = 88.7f;
  static final float LOG2_E = 1.44269504f;
  static final float LN2_HIGH = 0.693359375f;
  static final float LN2_LOW = -2.12194440e-4f;
  static final float ROUNDER = 0x1.8p23f;
  static final int ROUNDER_BITS = 0x4b400000;
  static final int BIAS = 127;
  static final int FRACTION_BITS = 23;
  static final float C2 = 5.0000001201e-1f;
  static final float C3 = 1.6666665459e-1f;
  static final float C4 = 4.1665795894e-2f;
  static final float C5 = 8.3334519073e-3f;
  static final float C6 = 1.3981999507e-3f;
  static final float C7 = 1.9875691500e-4f;

  private Exp() {}
}
