package dev.nightjar.job.calibrate;

/**
 * What a policy did on some rows, by real generation.
 *
 * @param lossSum sum over the rows of 1 where the answer differs from the dense one, or, with gold
 *     values, of the score lost against the dense answer
 * @param agreed rows whose answer is the dense one, text for text
 * @param score mean share of gold values that are right, or -1 without gold values
 * @param flops operations executed, gates and probes included
 * @param flopsFull operations of the dense runs of the same tokens
 * @param executed (token, layer) cells that ran
 * @param cells all cells
 */
record Trial(
    int rows,
    double lossSum,
    int agreed,
    double score,
    double flops,
    double flopsFull,
    long executed,
    long cells) {

  /** Mean loss. */
  double risk() {
    return rows == 0 ? 0 : lossSum / rows;
  }

  /** Share of the dense operations that were not executed. */
  double computeSaved() {
    return flopsFull == 0 ? 0 : 1 - flops / flopsFull;
  }

  /** Share of the cells that ran. */
  double cellShare() {
    return cells == 0 ? 0 : (double) executed / cells;
  }
}
