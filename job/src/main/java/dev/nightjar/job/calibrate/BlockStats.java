package dev.nightjar.job.calibrate;

import dev.nightjar.engine.HiddenStates;

/**
 * What layers and sublayers do to the residual stream, as means over rows or tokens; exact under
 * any split of the rows. Confined to one thread.
 *
 * <p>Similarities are cosines of the residual before and after, the residual connection included.
 * As AdaSkip does (arXiv:2501.02336, section 3), those of sublayers are means over the tokens of a
 * prompt, then over prompts, and ratios are Frobenius norms of whole prompts, after over before.
 */
final class BlockStats implements Mergeable<BlockStats> {
  private static final int FRACTION_BITS = 32;

  private final int layers;
  private final FixedPointSums attentionSimilarity;
  private final FixedPointSums feedForwardSimilarity;
  private final FixedPointSums attentionRatio;
  private final FixedPointSums feedForwardRatio;
  private final FixedPointSums blockSimilarity;
  private final float[] magnitude;
  private long rows;
  private long tokens;

  /** No rows. */
  BlockStats(int layers) {
    this.layers = layers;
    this.attentionSimilarity = new FixedPointSums(layers, FRACTION_BITS);
    this.feedForwardSimilarity = new FixedPointSums(layers, FRACTION_BITS);
    this.attentionRatio = new FixedPointSums(layers, FRACTION_BITS);
    this.feedForwardRatio = new FixedPointSums(layers, FRACTION_BITS);
    this.blockSimilarity = new FixedPointSums((layers + 1) * (layers + 1), FRACTION_BITS);
    this.magnitude = new float[layers + 1];
  }

  /** Longest block of layers whose similarity is kept. */
  static int maxBlock(int layers) {
    return Math.max(1, layers / 3);
  }

  /** Adds one row: prompt tokens to the sublayers' means, all tokens to the blocks'. */
  void addRow(HiddenStates states) {
    int d = states.hiddenSize();
    int prompt = states.promptTokens();
    int all = states.tokens().length;
    for (int layer = 0; layer < layers; layer++) {
      float[] in = states.residuals()[layer];
      float[] middle = states.afterAttention()[layer];
      float[] out = states.residuals()[layer + 1];
      attentionSimilarity.add(layer, cosineSum(in, middle, d, prompt) / prompt);
      feedForwardSimilarity.add(layer, cosineSum(middle, out, d, prompt) / prompt);
      attentionRatio.add(layer, ratio(in, middle, d * prompt));
      feedForwardRatio.add(layer, ratio(middle, out, d * prompt));
      for (int count = 1; count <= maxBlock(layers) && layer + count <= layers; count++) {
        float[] after = states.residuals()[layer + count];
        blockSimilarity.add(layer * (layers + 1) + count, cosineSum(in, after, d, all));
      }
    }
    for (int i = 0; i <= layers; i++) {
      for (float value : states.residuals()[i]) {
        magnitude[i] = Math.max(magnitude[i], Math.abs(value));
      }
    }
    rows++;
    tokens += all;
  }

  /** Cosine of two vectors; 1 where both are zero, 0 where one is. */
  static double cosine(float[] a, float[] b, int offset, int d) {
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = offset; i < offset + d; i++) {
      ab += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    if (aa == 0 || bb == 0) {
      return aa == bb ? 1 : 0;
    }
    return ab / Math.sqrt(aa * bb);
  }

  private static double cosineSum(float[] a, float[] b, int d, int tokens) {
    double sum = 0;
    for (int t = 0; t < tokens; t++) {
      sum += cosine(a, b, t * d, d);
    }
    return sum;
  }

  private static double ratio(float[] before, float[] after, int count) {
    double squaresBefore = 0;
    double squaresAfter = 0;
    for (int i = 0; i < count; i++) {
      squaresBefore += (double) before[i] * before[i];
      squaresAfter += (double) after[i] * after[i];
    }
    return squaresBefore == 0 ? 1 : Math.sqrt(squaresAfter / squaresBefore);
  }

  @Override
  public BlockStats merge(BlockStats other) {
    attentionSimilarity.merge(other.attentionSimilarity);
    feedForwardSimilarity.merge(other.feedForwardSimilarity);
    attentionRatio.merge(other.attentionRatio);
    feedForwardRatio.merge(other.feedForwardRatio);
    blockSimilarity.merge(other.blockSimilarity);
    for (int i = 0; i <= layers; i++) {
      magnitude[i] = Math.max(magnitude[i], other.magnitude[i]);
    }
    rows += other.rows;
    tokens += other.tokens;
    return this;
  }

  /** {@code [layers]}. */
  double[] attentionSimilarity() {
    return attentionSimilarity.means(rows);
  }

  /** {@code [layers]}. */
  double[] feedForwardSimilarity() {
    return feedForwardSimilarity.means(rows);
  }

  /** {@code [layers]}. */
  double[] attentionRatio() {
    return attentionRatio.means(rows);
  }

  /** {@code [layers]}. */
  double[] feedForwardRatio() {
    return feedForwardRatio.means(rows);
  }

  /** Mean cosine of the residuals before and after {@code count} layers from {@code first} on. */
  double blockSimilarity(int first, int count) {
    return blockSimilarity.value(first * (layers + 1) + count) / tokens;
  }

  /** Largest absolute value of the residual that enters a layer, or leaves the last one. */
  float magnitude(int layer) {
    return magnitude[layer];
  }

  /** Tokens of all rows. */
  long tokens() {
    return tokens;
  }
}
