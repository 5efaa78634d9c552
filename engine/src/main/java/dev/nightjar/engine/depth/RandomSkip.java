package dev.nightjar.engine.depth;

/**
 * Random layers for every token: the baseline that shows whether a learned policy knows anything.
 * The decision is a hash of (seed, row, position, layer), so it is reproducible and independent of
 * the batch. The first two layers and the first two positions always run, as in D-LLM.
 */
public final class RandomSkip implements Schedule {
  static final int RESERVED = 2;

  private final double[] rates;
  private final long seed;

  /**
   * @param rates {@code [layers]} probability that a layer runs
   */
  public RandomSkip(double[] rates, long seed) {
    this.rates = rates.clone();
    this.seed = seed;
  }

  /** Equal rates above the first two layers such that the mean over all layers is {@code keep}. */
  public static double[] uniformRates(int layers, double keep) {
    double[] rates = new double[layers];
    int free = layers - RESERVED;
    double rate = free <= 0 ? 1 : Math.clamp((keep * layers - RESERVED) / free, 0.0, 1.0);
    for (int layer = 0; layer < layers; layer++) {
      rates[layer] = layer < RESERVED ? 1 : rate;
    }
    return rates;
  }

  @Override
  public byte cells(int layer, int position, RowContext row) {
    return runs(layer, position, row.hash()) ? Cells.LAYER : Cells.SKIP;
  }

  @Override
  public boolean dependsOnRow() {
    return true;
  }

  boolean runs(int layer, int position, long rowHash) {
    if (layer < RESERVED || position < RESERVED) {
      return true;
    }
    long bits = Hashing.mix(Hashing.mix(rowHash ^ seed) + position * 0x1_0000L + layer);
    return (bits >>> 11) * 0x1.0p-53 < rates[layer];
  }
}
