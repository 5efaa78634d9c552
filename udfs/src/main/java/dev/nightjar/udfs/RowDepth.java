package dev.nightjar.udfs;

import java.io.Serializable;
import java.util.List;

/**
 * One row with the number of layers that each of its tokens ran. A generated token has the layers
 * of the slot that produced it, a prompt token those of its own.
 *
 * @param cpuMillis the row's share of its decoder's time
 * @param meanLayers layers per token, prompt and answer
 * @param prompt some tokens of the prompt's beginning and end
 * @param completion some tokens of the answer's beginning
 */
public record RowDepth(
    String key,
    double cpuMillis,
    double meanLayers,
    int promptTokens,
    int completionTokens,
    List<TokenDepth> prompt,
    List<TokenDepth> completion)
    implements Serializable {
  /** Layers of a token that another row computed, or of which nothing is known. */
  public static final int UNKNOWN = -1;

  public RowDepth {
    prompt = List.copyOf(prompt);
    completion = List.copyOf(completion);
  }

  /** The same without its tokens. */
  RowDepth withoutTokens() {
    return new RowDepth(
        key, cpuMillis, meanLayers, promptTokens, completionTokens, List.of(), List.of());
  }

  /**
   * A token.
   *
   * @param index in the prompt, or in the answer
   * @param layers that it ran, or {@link #UNKNOWN}
   */
  public record TokenDepth(int index, String text, int layers) implements Serializable {}
}
