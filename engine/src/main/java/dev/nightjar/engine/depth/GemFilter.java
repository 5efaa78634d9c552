package dev.nightjar.engine.depth;

/**
 * GemFilter (Shi et al., 2024, arXiv:2409.17422, algorithm 1, and its code): the inner products of
 * the last token's query with all keys at an early layer, summed over heads and averaged over a
 * window of neighbours (zeros beyond the ends), name the tokens worth reading; the model then reads
 * only those, in their order. Departure: the first token, which may be the beginning-of-sequence
 * mark, and the last one always stay and count towards the number kept.
 */
final class GemFilter implements PromptFilter {
  private final int layer;
  private final double keep;
  private final int pool;

  /**
   * @param keep share of the prompt if at most 1, otherwise a number of tokens
   * @param pool odd width of the average
   */
  GemFilter(int layer, double keep, int pool) {
    this.layer = layer;
    this.keep = keep;
    this.pool = pool;
  }

  @Override
  public int layer() {
    return layer;
  }

  @Override
  public int keeps(int promptTokens) {
    double wanted = keep <= 1 ? Math.ceil(keep * promptTokens) : keep;
    return (int) Math.min(promptTokens, Math.max(2, wanted));
  }

  @Override
  public void choose(float[] similarity, int tokens, boolean[] keeps) {
    float[] pooled = new float[tokens];
    int reach = pool / 2;
    for (int i = 0; i < tokens; i++) {
      float sum = 0;
      for (int j = Math.max(0, i - reach); j <= Math.min(tokens - 1, i + reach); j++) {
        sum += similarity[j];
      }
      pooled[i] = sum / pool;
    }
    keeps[0] = true;
    keeps[tokens - 1] = true;
    Largest.mark(pooled, 1, tokens - 1, keeps(tokens) - 2, keeps);
  }
}
