package dev.nightjar.job.bench;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The sizes of a Llama, as far as speed depends on them; the head is the embedding.
 *
 * @param qkvBias whether the query, key and value projections have biases, as Qwen's have
 */
record ModelShape(
    String name,
    int vocabSize,
    int hiddenSize,
    int numLayers,
    int numHeads,
    int numKvHeads,
    int headDim,
    int intermediateSize,
    float ropeTheta,
    boolean qkvBias,
    int contextLength) {
  static final ModelShape SMOLLM2_135M =
      new ModelShape("smollm2-135m", 49_152, 576, 30, 9, 3, 64, 1536, 100_000, false, 8192);

  /** Models that people run. */
  private static final List<ModelShape> KNOWN =
      List.of(
          SMOLLM2_135M,
          new ModelShape(
              "llama-3.2-1b", 128_256, 2048, 16, 32, 8, 64, 8192, 500_000, false, 131_072),
          new ModelShape(
              "qwen2.5-0.5b", 151_936, 896, 24, 14, 2, 64, 4864, 1_000_000, true, 32_768));

  /** The shape of a model that people run, by its name. */
  static Optional<ModelShape> find(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    return KNOWN.stream().filter(shape -> shape.name().equals(lower)).findFirst();
  }

  int queryDim() {
    return numHeads * headDim;
  }

  int kvDim() {
    return numKvHeads * headDim;
  }

  /** Elements of all tensors. */
  long parameters() {
    long attention = (long) hiddenSize * 2 * (queryDim() + kvDim());
    long biases = qkvBias ? queryDim() + 2L * kvDim() : 0;
    long feedForward = 3L * hiddenSize * intermediateSize;
    long layer = attention + biases + feedForward + 2L * hiddenSize;
    return (long) vocabSize * hiddenSize + numLayers * layer + hiddenSize;
  }
}
