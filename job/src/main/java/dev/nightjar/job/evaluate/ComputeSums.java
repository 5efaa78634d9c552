package dev.nightjar.job.evaluate;

/**
 * The exact counters of a set of rows, added up; see the result table's {@code compute} and {@code
 * usage}. A cell is one token at one layer. Prompt cells are those of the prompt tokens that
 * produce nothing, completion cells those of the tokens that produce one.
 *
 * @param layers layers of the model
 * @param completionRun completion cells that ran
 * @param completionCells all completion cells
 * @param promptRun prompt cells that ran
 * @param promptCells all prompt cells
 * @param attentionSkipped cells that ran without their attention
 * @param feedForwardSkipped cells that ran without their feed-forward
 * @param flopsFull operations of the dense model on the same tokens
 */
record ComputeSums(
    int layers,
    long completionRun,
    long completionCells,
    long promptRun,
    long promptCells,
    long attentionSkipped,
    long feedForwardSkipped,
    long promptTokens,
    long completionTokens,
    double flops,
    double flopsFull,
    long kvBytes,
    long kvBytesFull) {

  /** Nothing counted yet. */
  static final ComputeSums NONE = new ComputeSums(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

  /** Both together. */
  ComputeSums plus(ComputeSums other) {
    return new ComputeSums(
        Math.max(layers, other.layers),
        completionRun + other.completionRun,
        completionCells + other.completionCells,
        promptRun + other.promptRun,
        promptCells + other.promptCells,
        attentionSkipped + other.attentionSkipped,
        feedForwardSkipped + other.feedForwardSkipped,
        promptTokens + other.promptTokens,
        completionTokens + other.completionTokens,
        flops + other.flops,
        flopsFull + other.flopsFull,
        kvBytes + other.kvBytes,
        kvBytesFull + other.kvBytesFull);
  }

  /** Mean layers whose attention a token ran, prompt and completion. */
  double attentionLayers() {
    return perToken(promptRun + completionRun - attentionSkipped);
  }

  /** Mean layers whose feed-forward a token ran, prompt and completion. */
  double feedForwardLayers() {
    return perToken(promptRun + completionRun - feedForwardSkipped);
  }

  private double perToken(long cells) {
    return layers * ratio(cells, promptCells + completionCells);
  }

  /** Share of the prompt cells that ran. */
  double promptShare() {
    return ratio(promptRun, promptCells);
  }

  /** Share of the completion cells that ran. */
  double completionShare() {
    return ratio(completionRun, completionCells);
  }

  /** Operations over those of the dense model on the same tokens; gates and probes included. */
  double flopsRatio() {
    return ratio(flops, flopsFull);
  }

  /** Bytes of keys and values over those of the dense model on the same tokens. */
  double kvRatio() {
    return ratio(kvBytes, kvBytesFull);
  }

  private static double ratio(double part, double whole) {
    return whole == 0 ? 0 : part / whole;
  }
}
