package dev.nightjar.engine.model;

/** Working memory of a mixture of experts; grown with that of the forward pass. */
final class ExpertScratch {
  /** {@code [M, experts]} router scores, then weights. */
  final float[] weights;

  /** {@code [experts]} weights of one row. */
  final float[] chosen;

  /** {@code [M, C]} the rows of one expert. */
  final float[] input;

  /** {@code [M, C]} what it makes of them. */
  final float[] output;

  /** {@code [M]} where they come from. */
  final int[] rows;

  ExpertScratch(int slots, int hiddenSize, int experts) {
    this.weights = new float[slots * experts];
    this.chosen = new float[experts];
    this.input = new float[slots * hiddenSize];
    this.output = new float[slots * hiddenSize];
    this.rows = new int[slots];
  }
}
