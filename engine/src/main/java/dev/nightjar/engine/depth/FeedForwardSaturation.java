package dev.nightjar.engine.depth;

/**
 * FFN-SkipLLM (Jaiswal et al., arXiv:2404.03865, algorithm 1): inside a region of layers, once a
 * feed-forward sublayer leaves the direction of a token's residual as it was, the following ones
 * are skipped until the region or a budget ends. Attention always runs, so keys and values are
 * complete.
 *
 * <p>The first generated tokens run in full, as published, and so do prompts; as an extension
 * prompt tokens may skip too, and then the first positions of the sequence run in full. What
 * follows a budget that ends inside the region is ours: the search begins anew.
 *
 * <p>A slot's memory is the number of sublayers still to skip, 0 while it looks.
 */
final class FeedForwardSaturation implements FeedForwardRule {
  private final Settings settings;
  private final boolean prompt;

  /**
   * What is calibrated.
   *
   * @param threshold cosine of the residual before and after that counts as unchanged
   * @param first first layer of the region
   * @param last last layer of the region, inclusive
   * @param budget most sublayers skipped in a run
   * @param warmUp tokens that run in full
   */
  record Settings(float threshold, int first, int last, int budget, int warmUp) {}

  /**
   * @param prompt whether prompt tokens skip too
   */
  FeedForwardSaturation(Settings settings, boolean prompt) {
    this.settings = settings;
    this.prompt = prompt;
  }

  @Override
  public boolean runs(int layer, int position, RowContext row, int memory) {
    return memory == 0 || layer > settings.last();
  }

  @Override
  public int skipped(int layer, int memory) {
    return memory - 1;
  }

  @Override
  public boolean observes(int layer, int position, RowContext row, int memory) {
    int index = prompt ? position : position - row.promptTokens();
    return index >= settings.warmUp()
        && index >= 0
        && layer >= settings.first()
        && layer < settings.last();
  }

  @Override
  public int observed(
      int layer, int position, RowContext row, float cosine, float ratio, int memory) {
    return cosine >= settings.threshold() ? settings.budget() : 0;
  }
}
