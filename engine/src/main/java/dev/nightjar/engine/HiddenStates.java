package dev.nightjar.engine;

/**
 * One token sequence run at full depth with every residual kept: what calibration looks at. T
 * tokens, d hidden size.
 *
 * @param tokens {@code [T]}
 * @param promptTokens how many of them, from the front, are the prompt
 * @param residuals {@code [layers + 1][T * d]}: residuals that enter layer l; those after the last
 *     layer, before the final norm, at {@code [layers]}
 * @param afterAttention {@code [layers][T * d]}: residuals between the attention and the
 *     feed-forward of layer l
 */
public record HiddenStates(
    int[] tokens,
    int promptTokens,
    int layers,
    int hiddenSize,
    float[][] residuals,
    float[][] afterAttention) {}
