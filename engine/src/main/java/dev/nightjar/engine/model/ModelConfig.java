package dev.nightjar.engine.model;

import java.util.List;

/**
 * The architecture as read from a model file; no paths, no run-time choices.
 *
 * @param architecture the family, as {@link ModelFamily#id} has it, for example {@code llama}
 * @param headDim size of one attention head; not always {@code hiddenSize / numHeads}
 * @param rmsNormEps added to the mean square before the root
 * @param tiedEmbeddings whether the head is the embedding matrix
 * @param qkvBias whether the query, key and value projections have biases
 * @param outputBias whether the attention output projection has a bias
 * @param mlpBias whether the feed-forward projections have biases
 * @param contextLength most positions of a sequence
 * @param bosTokenId begin-of-sequence token, or -1
 * @param eosTokenIds tokens that end a generation
 * @param rope of most layers; {@code blocks} has that of each
 * @param blocks how the blocks differ from Llama's
 */
public record ModelConfig(
    String architecture,
    int vocabSize,
    int hiddenSize,
    int numLayers,
    int numHeads,
    int numKvHeads,
    int headDim,
    int intermediateSize,
    float rmsNormEps,
    RopeConfig rope,
    boolean tiedEmbeddings,
    boolean qkvBias,
    boolean outputBias,
    boolean mlpBias,
    int contextLength,
    int bosTokenId,
    List<Integer> eosTokenIds,
    BlockDesign blocks) {

  public ModelConfig {
    eosTokenIds = List.copyOf(eosTokenIds);
  }

  /** Width of the query projection's output. */
  public int queryDim() {
    return numHeads * headDim;
  }

  /** Width of the key and of the value projection's output. */
  public int kvDim() {
    return numKvHeads * headDim;
  }

  /** Query heads that share one key/value head. */
  public int groupSize() {
    return numHeads / numKvHeads;
  }

  /** Width of the widest feed-forward network of a layer. */
  int widestFeedForward() {
    BlockDesign.Experts experts = blocks.experts();
    return experts == null
        ? intermediateSize
        : Math.max(intermediateSize, experts.intermediateSize());
  }

  /** Multiply-adds of one layer's linear projections for one slot, the mean over the layers. */
  public long layerMacs() {
    return attentionMacs() + feedForwardMacs();
  }

  /** Multiply-adds of the projections of one attention sublayer for one slot. */
  public long attentionMacs() {
    return (long) hiddenSize * (2L * queryDim() + 2L * kvDim());
  }

  /** Multiply-adds of one feed-forward sublayer for one slot, the mean over the layers. */
  public long feedForwardMacs() {
    if (blocks.experts() == null) {
      return 3L * hiddenSize * intermediateSize;
    }
    long sum = 0;
    for (int layer = 0; layer < numLayers; layer++) {
      sum += feedForwardMacs(layer);
    }
    return sum / numLayers;
  }

  /** Multiply-adds of the feed-forward sublayer of a layer for one slot. */
  public long feedForwardMacs(int layer) {
    BlockDesign.Experts experts = blocks.experts();
    if (experts == null || !blocks.layers().get(layer).sparse()) {
      return 3L * hiddenSize * intermediateSize;
    }
    return hiddenSize * (3L * experts.perToken() * experts.intermediateSize() + experts.count());
  }

  /** Multiply-adds of the dense model for the slot at a position, without the head. */
  public long denseMacs(int position) {
    long positions = 0;
    long feedForward = 0;
    for (int layer = 0; layer < numLayers; layer++) {
      int window = blocks.layers().get(layer).window();
      positions += window == 0 ? position + 1 : Math.min(window, position + 1);
      feedForward += feedForwardMacs(layer);
    }
    return numLayers * attentionMacs() + feedForward + 2L * positions * queryDim();
  }

  /** Multiply-adds of one layer's key and value projections for one slot. */
  public long kvProjectionMacs() {
    return 2L * hiddenSize * kvDim();
  }

  /** Multiply-adds of the head for one slot. */
  public long headMacs() {
    return (long) hiddenSize * vocabSize;
  }
}
