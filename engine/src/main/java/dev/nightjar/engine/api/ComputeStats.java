package dev.nightjar.engine.api;

import java.util.List;

/**
 * Counted work of one row; exact, never sampled. A <em>slot</em> is one token at one position fed
 * through the model: every prompt token, and every generated token but the last. A slot belongs to
 * the generated token it produces: the last prompt position produces the first one and counts with
 * it, the other prompt positions are the prefill. So {@code layersExecuted + layersSkipped +
 * layersExited = numHiddenLayers * completionTokens}, and the prefill counters add up to {@code
 * numHiddenLayers * (promptTokens - 1 - cachedTokens)}: prompt tokens that another row computed are
 * no work of this one; they count in {@code kvBytes}, {@code kvBytesFull} and {@code flopsFull}. A
 * row that its policy stopped has one more producing slot, whose token was not generated. Of a row
 * that chooses or scores, the slots whose logits were looked at count as generated tokens; of one
 * that embeds, every slot is prefill.
 *
 * @param depthPolicy the policy's specification
 * @param numHiddenLayers layers of the model
 * @param layersExecuted (producing slot, layer) cells that ran
 * @param layersSkipped producing cells that were skipped by a schedule or a gate
 * @param layersExited producing cells above an exit
 * @param layersExecutedPrefill cells of the other prompt slots that ran
 * @param layersSkippedPrefill cells of the other prompt slots that did not run
 * @param attnSkipped cells whose attention did not run though the feed-forward did
 * @param mlpSkipped cells whose feed-forward did not run though the attention did
 * @param earlyExitTokens generated tokens that left before the last layer
 * @param exitLayerHistogram {@code [numHiddenLayers + 1]}: generated tokens by exit layer
 * @param layerExecutions {@code [numHiddenLayers]}: slots, prompt and decode, that ran each layer
 * @param kvBytes bytes of keys and values this row held at its end
 * @param kvBytesFull the same if every layer kept every slot
 * @param flops floating-point operations executed; gates, probes, drafts and refused drafts
 *     included (a multiply-add counts two)
 * @param flopsFull the same for the dense run of the same tokens
 * @param draftedTokens tokens that were drafted with part of the model and then verified by all of
 *     it; 0 without drafting
 * @param acceptedTokens those of them that became generated tokens
 */
public record ComputeStats(
    String depthPolicy,
    int numHiddenLayers,
    long layersExecuted,
    long layersSkipped,
    long layersExited,
    long layersExecutedPrefill,
    long layersSkippedPrefill,
    long attnSkipped,
    long mlpSkipped,
    int earlyExitTokens,
    List<Integer> exitLayerHistogram,
    List<Long> layerExecutions,
    long kvBytes,
    long kvBytesFull,
    double flops,
    double flopsFull,
    int draftedTokens,
    int acceptedTokens) {

  public ComputeStats {
    exitLayerHistogram = List.copyOf(exitLayerHistogram);
    layerExecutions = List.copyOf(layerExecutions);
  }

  /**
   * Share of the dense run's operations that were not executed for this row, skipped or taken from
   * another row, in [0, 1); negative where gates cost more than they saved.
   */
  public double computeSaved() {
    return flopsFull == 0 ? 0 : 1 - flops / flopsFull;
  }

  /** (slot, layer) cells that ran, prompt and decode. */
  public long cellsExecuted() {
    return layersExecuted + layersExecutedPrefill;
  }

  /** All (slot, layer) cells of this row, prompt and decode: slots times layers. */
  public long cells() {
    return cellsExecuted() + layersSkipped + layersExited + layersSkippedPrefill;
  }

  /** Cells that ran over all cells, times the number of layers. */
  public double meanLayersPerToken() {
    return cells() == 0 ? 0 : (double) cellsExecuted() / cells() * numHiddenLayers;
  }

  /** Mean exit layer of the generated tokens, or 0 without any. */
  public double meanExitLayer() {
    long tokens = 0;
    long sum = 0;
    for (int layer = 0; layer < exitLayerHistogram.size(); layer++) {
      tokens += exitLayerHistogram.get(layer);
      sum += (long) layer * exitLayerHistogram.get(layer);
    }
    return tokens == 0 ? 0 : (double) sum / tokens;
  }

  /** Lowest exit layer of the generated tokens, or 0 without any. */
  public int minExitLayer() {
    for (int layer = 0; layer < exitLayerHistogram.size(); layer++) {
      if (exitLayerHistogram.get(layer) > 0) {
        return layer;
      }
    }
    return 0;
  }
}
