package dev.nightjar.job.calibrate;

import dev.nightjar.engine.LlmEngine;

/**
 * The head applied to a residual.
 *
 * @param token the most likely token
 * @param top1 its probability
 * @param top2 the second largest probability
 */
record TopTwo(int token, float top1, float top2) {
  private static final int ROWS_AT_ONCE = 16;

  /** Logits so far below the largest add nothing that a float can hold. */
  private static final double NEGLIGIBLE = -30;

  /**
   * The head applied to {@code count} rows of {@code residuals}, {@code [rows, d]}, from one on.
   */
  static TopTwo[] of(LlmEngine engine, float[] residuals, int from, int count) {
    int d = engine.modelConfig().hiddenSize();
    int vocabulary = engine.modelConfig().vocabSize();
    TopTwo[] found = new TopTwo[count];
    float[] logits = new float[Math.min(ROWS_AT_ONCE, count) * vocabulary];
    for (int start = 0; start < count; start += ROWS_AT_ONCE) {
      int rows = Math.min(ROWS_AT_ONCE, count - start);
      float[] some =
          java.util.Arrays.copyOfRange(residuals, (from + start) * d, (from + start + rows) * d);
      engine.headLogits(some, rows, logits);
      for (int row = 0; row < rows; row++) {
        found[start + row] = ofLogits(logits, row * vocabulary, vocabulary);
      }
    }
    return found;
  }

  private static TopTwo ofLogits(float[] logits, int offset, int count) {
    int first = 0;
    float second = Float.NEGATIVE_INFINITY;
    for (int i = 1; i < count; i++) {
      if (logits[offset + i] > logits[offset + first]) {
        second = logits[offset + first];
        first = i;
      } else {
        second = Math.max(second, logits[offset + i]);
      }
    }
    double max = logits[offset + first];
    double sum = 0;
    for (int i = 0; i < count; i++) {
      double below = logits[offset + i] - max;
      if (below > NEGLIGIBLE) {
        sum += StrictMath.exp(below);
      }
    }
    return new TopTwo(first, (float) (1 / sum), (float) (StrictMath.exp(second - max) / sum));
  }
}
