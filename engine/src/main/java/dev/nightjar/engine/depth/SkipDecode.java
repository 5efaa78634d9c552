package dev.nightjar.engine.depth;

/**
 * SkipDecode (Del Corro et al., arXiv:2307.02628): depth falls linearly with the position of a
 * generated token, {@code e(t) = round((1 - t/T) max + t/T min)}; the first layers and the top ones
 * make it up. A later token's layers are among an earlier one's, so no key or value that it reads
 * is missing.
 *
 * <p>The paper aligns the positions of a batch; here each row counts its own generated tokens, so
 * rows of a batch may differ in depth. Prompts run in full as published, or at the largest depth.
 */
final class SkipDecode implements Schedule {
  private final int layers;
  private final Range depth;
  private final int warmUp;
  private final int length;
  private final int promptDepth;

  /** Depths in layers: of the first generated token, and of token T and all behind it. */
  record Range(int max, int min) {}

  /**
   * @param warmUp lowest layers that always run; at most the smallest depth
   * @param length T in generated tokens; 0 for the most tokens that the row may generate
   * @param promptDepth layers that prompt tokens run, at least the largest depth
   */
  SkipDecode(int layers, Range depth, int warmUp, int length, int promptDepth) {
    this.layers = layers;
    this.depth = depth;
    this.warmUp = warmUp;
    this.length = length;
    this.promptDepth = promptDepth;
  }

  @Override
  public byte cells(int layer, int position, RowContext row) {
    int depth = depth(position - row.promptTokens(), length > 0 ? length : row.maxTokens());
    return layer < warmUp || layer >= layers - (depth - warmUp) ? Cells.LAYER : Cells.SKIP;
  }

  /** Layers that generated token {@code index} of {@code length} runs; below 0 is the prompt. */
  int depth(int index, int length) {
    if (index < 0) {
      return promptDepth;
    }
    if (index >= length) {
      return depth.min();
    }
    long twice = 2L * ((long) depth.max() * length - (long) index * (depth.max() - depth.min()));
    return (int) Math.floorDiv(twice + length, 2L * length);
  }
}
