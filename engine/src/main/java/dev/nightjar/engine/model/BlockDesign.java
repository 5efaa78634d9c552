package dev.nightjar.engine.model;

import java.util.Collections;
import java.util.List;

/**
 * How the blocks of an architecture are built, as far as that is not the same in all of them: what
 * the one forward pass reads instead of the architecture's name.
 *
 * @param attentionCap what attention scores stay within, by a soft cap; 0 for no bound
 * @param logitCap the same for the logits
 * @param experts the mixture of experts of the sparse layers, or null if there are none
 * @param layers by layer
 */
public record BlockDesign(
    Norms norms,
    QueryKeyNorms queryKeyNorms,
    Activation activation,
    Scales scales,
    float attentionCap,
    float logitCap,
    Experts experts,
    List<LayerDesign> layers) {

  /** Where a sublayer normalises. */
  public enum Norms {
    /** Its input (Llama). */
    BEFORE,
    /** Its input and its output, before it is added to the residual (Gemma 2). */
    AROUND,
    /** Its output only (OLMo 2). */
    AFTER;

    /** Whether there is a norm of the input. */
    boolean ofInput() {
      return this != AFTER;
    }

    /** Whether there is a norm of the output. */
    boolean ofOutput() {
      return this != BEFORE;
    }
  }

  /** What is normalised of queries and of keys before they are rotated. */
  public enum QueryKeyNorms {
    NONE,
    /** Each head by itself (Qwen 3). */
    HEADS,
    /** All heads of a token together (OLMo 2). */
    WIDTH
  }

  /** The function of the feed-forward gate. */
  public enum Activation {
    SILU,
    /** The approximation of GELU by a hyperbolic tangent. */
    GELU_TANH
  }

  /**
   * Factors.
   *
   * @param embedding of what the embedding matrix gives
   * @param residual of what a sublayer adds to the residual
   * @param attention of the inner products of queries and keys
   * @param logits of the head's outputs
   */
  public record Scales(float embedding, float residual, float attention, float logits) {}

  /**
   * A mixture of experts.
   *
   * @param count experts of a layer
   * @param perToken how many of them a token runs
   * @param intermediateSize width of an expert
   * @param normalised whether the weights of those that run are made to add up to 1
   */
  public record Experts(int count, int perToken, int intermediateSize, boolean normalised) {}

  /**
   * A layer.
   *
   * @param window how many positions its tokens attend to, the last one their own; 0 for all
   * @param rope how it rotates queries and keys, or null if it does not
   * @param sparse whether its feed-forward sublayer is a mixture of experts
   */
  public record LayerDesign(int window, RopeConfig rope, boolean sparse) {}

  public BlockDesign {
    layers = List.copyOf(layers);
  }

  /** Llama's blocks, which other designs are made from. */
  public static BlockDesign llama(int numLayers, int headDim, RopeConfig rope) {
    return new BlockDesign(
        Norms.BEFORE,
        QueryKeyNorms.NONE,
        Activation.SILU,
        new Scales(1, 1, attentionScale(headDim), 1),
        0,
        0,
        null,
        Collections.nCopies(numLayers, new LayerDesign(0, rope, false)));
  }

  /** The usual factor of inner products, {@code 1 / sqrt(size)}. */
  static float attentionScale(double size) {
    return (float) (1.0 / Math.sqrt(size));
  }

  /** Whether some layer does not see all positions. */
  boolean hasWindows() {
    for (LayerDesign layer : layers) {
      if (layer.window() > 0) {
        return true;
      }
    }
    return false;
  }
}
