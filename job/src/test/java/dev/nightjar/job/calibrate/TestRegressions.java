package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.data.Offset.offset;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TestRegressions {
  private static final int SIZE = 6;

  @Test
  void logisticRegressionRecoversAPlantedSeparator() {
    Random random = new Random(5);
    double[] planted = {2, -1, 0.5, 0, 0, 1};
    float[][] x = new float[4000][SIZE];
    boolean[] y = new boolean[x.length];
    for (int row = 0; row < x.length; row++) {
      double z = -0.7;
      for (int i = 0; i < SIZE; i++) {
        x[row][i] = (float) (random.nextGaussian() * (1 + i) + i);
        z += planted[i] * x[row][i];
      }
      y[row] = random.nextDouble() < 1 / (1 + Math.exp(-z));
    }
    LogisticRegression fit = LogisticRegression.fit(x, y, 0.01);
    for (int i = 0; i < SIZE; i++) {
      assertThat(fit.weights()[i]).as("weight " + i).isCloseTo(planted[i], offset(0.3));
    }
    assertThat(fit.bias()).isCloseTo(-0.7, offset(0.6));
    int right = 0;
    for (int row = 0; row < x.length; row++) {
      right += (fit.score(x[row]) > 0) == y[row] ? 1 : 0;
    }
    assertThat(right).isGreaterThan(3500);
  }

  @Test
  void logisticRegressionCopesWithOneClassAndWithSeparableRows() {
    float[][] x = {{0}, {1}, {2}, {3}};
    boolean[] all = {true, true, true, true};
    assertThat(LogisticRegression.fit(x, all, 1).score(x[0])).isPositive().isFinite();
    boolean[] separable = {false, false, true, true};
    LogisticRegression fit = LogisticRegression.fit(x, separable, 1);
    assertThat(fit.score(x[0])).isNegative().isFinite();
    assertThat(fit.score(x[3])).isPositive().isFinite();
  }

  @Test
  void softmaxRegressionRecoversPlantedClasses() {
    Random random = new Random(6);
    double[][] planted = {{1, 0, 0, 0, 0, 0}, {0, 1, 0, 0, 0, 0}, {-1, -1, 0, 0, 0, 0}};
    float[][] x = new float[1500][SIZE];
    int[] y = new int[x.length];
    for (int row = 0; row < x.length; row++) {
      for (int i = 0; i < SIZE; i++) {
        x[row][i] = (float) random.nextGaussian();
      }
      for (int c = 1; c < planted.length; c++) {
        if (dot(planted[c], x[row]) > dot(planted[y[row]], x[row])) {
          y[row] = c;
        }
      }
    }
    assertThat(hits(SoftmaxRegression.fit(x, y, 3, 1), x, y)).isGreaterThan(1425);
    double[] ones = new double[x.length];
    java.util.Arrays.fill(ones, 1);
    SoftmaxRegression through = SoftmaxRegression.fitWithoutBias(x, y, ones, 3, 1);
    assertThat(through.biases()).containsOnly(0);
    assertThat(hits(through, x, y)).isGreaterThan(1425);
  }

  @Test
  void rowsOfWeightZeroDoNotCount() {
    float[][] x = {{1, 0}, {0, 1}, {1, 0}, {0, 1}};
    int[] y = {0, 1, 1, 0};
    double[] weights = {1, 1, 0, 0};
    SoftmaxRegression fit = SoftmaxRegression.fitWithoutBias(x, y, weights, 2, 0.01);
    assertThat(hits(fit, x, y)).isEqualTo(2);
    assertThat(fit.scores(x[0])[0]).isGreaterThan(fit.scores(x[0])[1]);
  }

  private static int hits(SoftmaxRegression fit, float[][] x, int[] y) {
    int right = 0;
    for (int row = 0; row < x.length; row++) {
      double[] scores = fit.scores(x[row]);
      int best = 0;
      for (int c = 1; c < scores.length; c++) {
        best = scores[c] > scores[best] ? c : best;
      }
      right += best == y[row] ? 1 : 0;
    }
    return right;
  }

  private static double dot(double[] w, float[] x) {
    double sum = 0;
    for (int i = 0; i < w.length; i++) {
      sum += w[i] * x[i];
    }
    return sum;
  }

  @Test
  void ridgeMapRecoversAPlantedMapUnderAnyPartitioning() {
    Random random = new Random(7);
    float[] weight = new float[SIZE * SIZE];
    float[] bias = new float[SIZE];
    for (int i = 0; i < weight.length; i++) {
      weight[i] = (float) random.nextGaussian();
    }
    for (int i = 0; i < SIZE; i++) {
      bias[i] = (float) random.nextGaussian();
    }
    LinearMap planted = new LinearMap(weight, bias);
    RidgeSums whole = new RidgeSums(SIZE, 64, 10_000);
    RidgeSums[] parts = {
      new RidgeSums(SIZE, 64, 10_000),
      new RidgeSums(SIZE, 64, 10_000),
      new RidgeSums(SIZE, 64, 10_000)
    };
    for (int row = 0; row < 60; row++) {
      int tokens = 1 + random.nextInt(9);
      float[] x = new float[tokens * SIZE];
      for (int i = 0; i < x.length; i++) {
        x[i] = (float) (random.nextGaussian() + 0.5);
      }
      float[] y = planted.apply(x, 0, tokens);
      whole.addRow(x, y, 0, tokens);
      parts[random.nextInt(parts.length)].addRow(x, y, 0, tokens);
    }
    RidgeSums merged = parts[2].merge(parts[0]).merge(parts[1]);
    assertThat(Serialised.bytes(merged)).isEqualTo(Serialised.bytes(whole));
    LinearMap found = whole.solve(1e-9);
    for (int i = 0; i < weight.length; i++) {
      assertThat(found.weight()[i]).as("weight " + i).isCloseTo(weight[i], offset(1e-4f));
    }
    for (int i = 0; i < SIZE; i++) {
      assertThat(found.bias()[i]).as("bias " + i).isCloseTo(bias[i], offset(1e-4f));
    }
  }

  @Test
  void routerLearnsPlantedClassesAndIsTheSameEveryTime() {
    Random random = new Random(8);
    float[][][] windows = new float[180][4][SIZE];
    int[] labels = new int[windows.length];
    for (int row = 0; row < windows.length; row++) {
      labels[row] = row % RouterFit.CLASSES;
      for (float[] window : windows[row]) {
        for (int i = 0; i < SIZE; i++) {
          double shift = i == labels[row] ? 3 : 0;
          window[i] = (float) (10 * random.nextGaussian() + 10 * shift + 5);
        }
      }
    }
    double[] weights = {1, 1, 1};
    RouterFit fit = RouterFit.fit(windows, labels, weights, 1);
    int right = 0;
    for (int row = 0; row < windows.length; row++) {
      double[] logits = fit.logits(windows[row]);
      int best = logits[1] > logits[0] ? 1 : 0;
      best = logits[2] > logits[best] ? 2 : best;
      right += best == labels[row] ? 1 : 0;
    }
    assertThat(right).isGreaterThan(170);
    RouterFit again = RouterFit.fit(windows, labels, weights, 1);
    assertThat(again.hiddenWeight()).isEqualTo(fit.hiddenWeight());
    assertThat(again.classBias()).isEqualTo(fit.classBias());
  }
}
