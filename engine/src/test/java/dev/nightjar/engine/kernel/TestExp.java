package dev.nightjar.engine.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TestExp {
  private static final float STEP = 0.00013f;

  @Test
  void relativeErrorIsBelowTwoTenMillionths() {
    double worst = 0;
    float worstAt = 0;
    for (float x = -87.29f; x < 88.69f; x += STEP) {
      double expected = Math.exp(x);
      double error = Math.abs(Kernels.exp(x) - expected) / expected;
      if (error > worst) {
        worst = error;
        worstAt = x;
      }
    }
    assertThat(worst).as("relative error at " + worstAt).isLessThan(2e-7);
  }

  @Test
  void endsAndSpecialValues() {
    assertThat(Kernels.exp(0f)).isEqualTo(1f);
    assertThat(Kernels.exp(-0f)).isEqualTo(1f);
    assertThat(Kernels.exp(Float.MIN_VALUE)).isEqualTo(1f);
    assertThat(Kernels.exp(-87.31f)).isEqualTo(0f);
    assertThat(Kernels.exp(-1e30f)).isEqualTo(0f);
    assertThat(Kernels.exp(Float.NEGATIVE_INFINITY)).isEqualTo(0f);
    assertThat(Kernels.exp(88.71f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Kernels.exp(1e30f)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Kernels.exp(Float.POSITIVE_INFINITY)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Kernels.exp(88.7f)).isFinite().isGreaterThan(3.3e38f);
    assertThat(Kernels.exp(-87.3f)).isGreaterThan(Float.MIN_NORMAL);
    assertThat(Kernels.exp(Float.NaN)).isNaN();
  }

  @Test
  void neverDecreasesBetweenNeighbours() {
    float previous = 0;
    for (float x = -87.4f; x < 88.8f; x += 0.01f) {
      float y = Kernels.exp(x);
      assertThat(y).isGreaterThanOrEqualTo(previous);
      previous = y;
    }
  }

  @Test
  void vectorEqualsScalarInEveryBit() {
    float[] actual = new float[33];
    float[] expected = new float[33];
    // A stride prime to every power of two visits all exponents, signs and special encodings.
    int bits = 0;
    for (int round = 0; round < 100_000; round++) {
      for (int i = 0; i < actual.length; i++) {
        actual[i] = Float.intBitsToFloat(bits);
        expected[i] = Kernels.exp(actual[i]);
        bits += 2_654_435;
      }
      VectorExp.exponentiate(actual, 0, actual.length, 0f);
      KernelFixtures.assertSameBits(actual, expected, "from bits " + Integer.toHexString(bits));
    }
  }
}
