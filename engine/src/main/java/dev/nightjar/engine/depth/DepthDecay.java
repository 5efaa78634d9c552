package dev.nightjar.engine.depth;

/**
 * D3, position-aware depth decay decoding (Fan et al., 2025): from a start on, generated token i
 * keeps {@code floor(layers * alpha^i)} layers, but never fewer than the core. Prompts and the
 * tokens before the start run in full.
 *
 * <p>Which layers go first is our choice: layers are ranked 0, L-1, 1, L-2 and so on from both ends
 * inwards, the core is the first of them, and a token keeps the first of them. So a later token's
 * layers are among an earlier one's and every key and value that it reads is there, where the paper
 * copies missing ones from a neighbouring layer. The start is rounded up to a whole token.
 */
final class DepthDecay implements Schedule {
  private final int layers;
  private final double start;
  private final int length;
  private final long[] lastToken;

  /**
   * @param alpha share of the layers that each token keeps of the one before, in [0, 1]
   * @param core layers that always run
   * @param start share of the length before which every layer runs
   * @param length expected generated tokens; 0 for the most tokens that the row may generate
   */
  DepthDecay(int layers, double alpha, int core, double start, int length) {
    this.layers = layers;
    this.start = start;
    this.length = length;
    this.lastToken = new long[layers];
    for (int layer = 0; layer < layers; layer++) {
      int rank = rank(layer);
      lastToken[layer] =
          rank < core || alpha == 1 ? Long.MAX_VALUE : lastToken(layers, alpha, rank);
    }
  }

  /** The last token after the start that runs the layer of a rank. */
  private static long lastToken(int layers, double alpha, int rank) {
    long runs = 0;
    long skips = 1;
    while (runs(layers, alpha, rank, skips)) {
      runs = skips;
      skips *= 2;
    }
    while (skips - runs > 1) {
      long middle = runs + (skips - runs) / 2;
      if (runs(layers, alpha, rank, middle)) {
        runs = middle;
      } else {
        skips = middle;
      }
    }
    return runs;
  }

  private static boolean runs(int layers, double alpha, int rank, long token) {
    return Math.floor(layers * StrictMath.pow(alpha, token)) > rank;
  }

  /** Place of a layer in the order in which layers are kept. */
  private int rank(int layer) {
    int below = layers - 1 - layer;
    return layer <= below ? 2 * layer : 2 * below + 1;
  }

  @Override
  public byte cells(int layer, int position, RowContext row) {
    int index = position - row.promptTokens();
    if (index < 0) {
      return Cells.LAYER;
    }
    int expected = length > 0 ? length : row.maxTokens();
    // start and length are decimal: 0.28 of 25 tokens is 7, not the 7.000000000000001 of doubles
    long first = (long) Math.ceil(start * expected - 1e-9);
    return index - first <= lastToken[layer] ? Cells.LAYER : Cells.SKIP;
  }
}
