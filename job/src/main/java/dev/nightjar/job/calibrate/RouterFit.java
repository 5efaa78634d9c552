package dev.nightjar.job.calibrate;

import java.util.SplittableRandom;

/**
 * One layer's router of Dr.LLM (Heakl et al., arXiv:2510.12773): {@code Linear(d, 128)}, GELU
 * (tanh), {@code Linear(128, 3)}, its logits averaged over windows of the prompt; classes skip,
 * execute, repeat. Trained with AdamW and the focal loss. Inputs are standardised while training;
 * that is folded into the first layer afterwards.
 *
 * @param hiddenWeight {@code [HIDDEN, d]} row-major
 * @param hiddenBias {@code [HIDDEN]}
 * @param classWeight {@code [CLASSES, HIDDEN]} row-major
 * @param classBias {@code [CLASSES]}
 */
record RouterFit(float[] hiddenWeight, float[] hiddenBias, float[] classWeight, float[] classBias) {
  static final int HIDDEN = 128;
  static final int CLASSES = 3;
  private static final int EPOCHS = 25;
  private static final int BATCH = 16;
  private static final double LEARNING_RATE = 1e-3;
  private static final double WEIGHT_DECAY = 0.01;
  private static final double FOCUS = 2;

  /**
   * Trains.
   *
   * @param windows {@code [rows][windows][d]}
   * @param labels class of each row
   * @param classWeights weight of each class in the loss
   */
  static RouterFit fit(float[][][] windows, int[] labels, double[] classWeights, long seed) {
    int d = windows[0][0].length;
    Standardised scaled = Standardised.of(flat(windows));
    double[][][] x = new double[windows.length][][];
    int at = 0;
    for (int row = 0; row < windows.length; row++) {
      x[row] = java.util.Arrays.copyOfRange(scaled.values(), at, at + windows[row].length);
      at += windows[row].length;
    }
    Training training = new Training(d, new SplittableRandom(seed));
    int batches = Math.ceilDiv(x.length, BATCH);
    int steps = EPOCHS * batches;
    for (int step = 0; step < steps; step++) {
      int from = step % batches * BATCH;
      int to = Math.min(x.length, from + BATCH);
      for (int row = from; row < to; row++) {
        training.backward(x[row], labels[row], classWeights[labels[row]] / (to - from));
      }
      double progress = (double) step / steps;
      training.update(LEARNING_RATE * 0.5 * (1 + StrictMath.cos(StrictMath.PI * progress)));
    }
    return training.unscaled(scaled);
  }

  private static float[][] flat(float[][][] windows) {
    int size = 0;
    for (float[][] row : windows) {
      size += row.length;
    }
    float[][] flat = new float[size][];
    int at = 0;
    for (float[][] row : windows) {
      for (float[] window : row) {
        flat[at++] = window;
      }
    }
    return flat;
  }

  /** The mean logits of one row's windows. */
  double[] logits(float[][] windows) {
    double[] logits = new double[CLASSES];
    int d = windows[0].length;
    for (float[] window : windows) {
      for (int h = 0; h < HIDDEN; h++) {
        double z = hiddenBias[h];
        for (int i = 0; i < d; i++) {
          z += hiddenWeight[h * d + i] * window[i];
        }
        double g = Training.gelu(z);
        for (int c = 0; c < CLASSES; c++) {
          logits[c] += classWeight[c * HIDDEN + h] * g / windows.length;
        }
      }
    }
    for (int c = 0; c < CLASSES; c++) {
      logits[c] += classBias[c];
    }
    return logits;
  }

  /** Parameters with their gradients and moments, in one array each. */
  private static final class Training {
    private static final double SLOPE = 0.7978845608028654;
    private static final double CUBE = 0.044715;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;

    private final int d;
    private final int hiddenBias;
    private final int classWeight;
    private final int classBias;
    private final double[] value;
    private final double[] gradient;
    private final double[] mean;
    private final double[] square;
    private int updates;

    Training(int d, SplittableRandom random) {
      this.d = d;
      this.hiddenBias = HIDDEN * d;
      this.classWeight = hiddenBias + HIDDEN;
      this.classBias = classWeight + CLASSES * HIDDEN;
      this.value = new double[classBias + CLASSES];
      this.gradient = new double[value.length];
      this.mean = new double[value.length];
      this.square = new double[value.length];
      xavier(0, HIDDEN * d, d + HIDDEN, random);
      xavier(classWeight, CLASSES * HIDDEN, CLASSES + HIDDEN, random);
    }

    private void xavier(int from, int count, int fans, SplittableRandom random) {
      double bound = Math.sqrt(6.0 / fans);
      for (int i = from; i < from + count; i++) {
        value[i] = (2 * random.nextDouble() - 1) * bound;
      }
    }

    static double gelu(double z) {
      return 0.5 * z * (1 + StrictMath.tanh(SLOPE * (z + CUBE * z * z * z)));
    }

    private static double geluSlope(double z) {
      double t = StrictMath.tanh(SLOPE * (z + CUBE * z * z * z));
      return 0.5 * (1 + t) + 0.5 * z * (1 - t * t) * SLOPE * (1 + 3 * CUBE * z * z);
    }

    /** Adds the gradient of one row's focal loss. */
    void backward(double[][] windows, int label, double weight) {
      double[][] hidden = new double[windows.length][HIDDEN];
      double[] logits = new double[CLASSES];
      for (int w = 0; w < windows.length; w++) {
        for (int h = 0; h < HIDDEN; h++) {
          double z = value[hiddenBias + h];
          for (int i = 0; i < d; i++) {
            z += value[h * d + i] * windows[w][i];
          }
          hidden[w][h] = z;
          double g = gelu(z);
          for (int c = 0; c < CLASSES; c++) {
            logits[c] += value[classWeight + c * HIDDEN + h] * g / windows.length;
          }
        }
      }
      for (int c = 0; c < CLASSES; c++) {
        logits[c] += value[classBias + c];
      }
      double[] error = focalGradient(logits, label, weight);
      for (int c = 0; c < CLASSES; c++) {
        gradient[classBias + c] += error[c];
      }
      for (int w = 0; w < windows.length; w++) {
        for (int h = 0; h < HIDDEN; h++) {
          double z = hidden[w][h];
          double g = gelu(z);
          double back = 0;
          for (int c = 0; c < CLASSES; c++) {
            gradient[classWeight + c * HIDDEN + h] += error[c] * g / windows.length;
            back += error[c] * value[classWeight + c * HIDDEN + h];
          }
          back *= geluSlope(z) / windows.length;
          gradient[hiddenBias + h] += back;
          for (int i = 0; i < d; i++) {
            gradient[h * d + i] += back * windows[w][i];
          }
        }
      }
    }

    private static double[] focalGradient(double[] logits, int label, double weight) {
      double max = Math.max(logits[0], Math.max(logits[1], logits[2]));
      double[] p = new double[CLASSES];
      double sum = 0;
      for (int c = 0; c < CLASSES; c++) {
        p[c] = StrictMath.exp(logits[c] - max);
        sum += p[c];
      }
      for (int c = 0; c < CLASSES; c++) {
        p[c] /= sum;
      }
      double right = Math.max(p[label], 1e-12);
      double wrong = 1 - right;
      double slope = FOCUS * wrong * StrictMath.log(right) - wrong * wrong / right;
      for (int c = 0; c < CLASSES; c++) {
        p[c] = weight * slope * right * ((c == label ? 1 : 0) - p[c]);
      }
      return p;
    }

    /** One step of AdamW; clears the gradient. */
    void update(double rate) {
      updates++;
      double correction1 = 1 - StrictMath.pow(BETA1, updates);
      double correction2 = 1 - StrictMath.pow(BETA2, updates);
      for (int i = 0; i < value.length; i++) {
        mean[i] = BETA1 * mean[i] + (1 - BETA1) * gradient[i];
        square[i] = BETA2 * square[i] + (1 - BETA2) * gradient[i] * gradient[i];
        double step = mean[i] / correction1 / (Math.sqrt(square[i] / correction2) + 1e-8);
        value[i] -= rate * (step + WEIGHT_DECAY * value[i]);
        gradient[i] = 0;
      }
    }

    RouterFit unscaled(Standardised scaled) {
      float[] weight = new float[HIDDEN * d];
      float[] bias = new float[HIDDEN];
      for (int h = 0; h < HIDDEN; h++) {
        double b = value[hiddenBias + h];
        for (int i = 0; i < d; i++) {
          double w = value[h * d + i] / scaled.deviations()[i];
          weight[h * d + i] = (float) w;
          b -= w * scaled.means()[i];
        }
        bias[h] = (float) b;
      }
      float[] classes = new float[CLASSES * HIDDEN];
      for (int i = 0; i < classes.length; i++) {
        classes[i] = (float) value[classWeight + i];
      }
      float[] classBiases = new float[CLASSES];
      for (int c = 0; c < CLASSES; c++) {
        classBiases[c] = (float) value[classBias + c];
      }
      return new RouterFit(weight, bias, classes, classBiases);
    }
  }
}
