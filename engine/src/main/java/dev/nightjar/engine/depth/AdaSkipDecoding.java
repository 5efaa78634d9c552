package dev.nightjar.engine.depth;

/**
 * The second stage of AdaSkip (He et al., arXiv:2501.02336): over its first generated tokens a row
 * measures the feed-forward sublayers that still run, and skips for its later ones those whose mean
 * cosine reaches the threshold of the first stage, with the row's own mean norm ratio as factor.
 *
 * <p>A row remembers, per layer, tokens measured, their cosines and their ratios, summed.
 */
final class AdaSkipDecoding implements FeedForwardRule {
  /** Generated tokens that are measured, as in the released code. */
  static final int MEASURED = 20;

  private final int layers;
  private final float threshold;

  AdaSkipDecoding(int layers, float threshold) {
    this.layers = layers;
    this.threshold = threshold;
  }

  @Override
  public boolean runs(int layer, int position, RowContext row, int memory) {
    if (position - row.promptTokens() < MEASURED) {
      return true;
    }
    float[] sums = row.feedForwardMemory(3 * layers);
    float tokens = sums[layer];
    return tokens == 0 || sums[layers + layer] / tokens < threshold;
  }

  @Override
  public int skipped(int layer, int memory) {
    return memory;
  }

  @Override
  public float factor(int layer, RowContext row) {
    float[] sums = row.feedForwardMemory(3 * layers);
    return sums[2 * layers + layer] / sums[layer];
  }

  @Override
  public boolean observes(int layer, int position, RowContext row, int memory) {
    int index = position - row.promptTokens();
    return index >= 0 && index < MEASURED;
  }

  @Override
  public int observed(
      int layer, int position, RowContext row, float cosine, float ratio, int memory) {
    float[] sums = row.feedForwardMemory(3 * layers);
    sums[layer]++;
    sums[layers + layer] += cosine;
    sums[2 * layers + layer] += ratio;
    return memory;
  }
}
