package dev.nightjar.engine.depth;

import java.util.Arrays;

/**
 * What a policy may know of a row, and what it remembers about it. A row's decisions depend on
 * nothing else. Confined to the row's decoder.
 */
public final class RowContext {
  private final long hash;
  private int promptTokens;
  private final int maxTokens;
  private byte[] plan;
  private float[] memory = new float[0];
  private float[] feedForwardMemory = new float[0];

  /**
   * A row that has not been seen yet.
   *
   * @param hash hash of the row key
   * @param promptTokens length of the prompt
   * @param maxTokens most tokens that may be generated
   */
  public RowContext(long hash, int promptTokens, int maxTokens) {
    this.hash = hash;
    this.promptTokens = promptTokens;
    this.maxTokens = maxTokens;
  }

  /** A row of which the same is known and remembered, and which goes its own way from here. */
  public RowContext copy() {
    RowContext copy = new RowContext(hash, promptTokens, maxTokens);
    copy.plan = plan == null ? null : plan.clone();
    copy.memory = memory.clone();
    copy.feedForwardMemory = feedForwardMemory.clone();
    return copy;
  }

  /** Hash of the row key, the seed of random decisions. */
  public long hash() {
    return hash;
  }

  /** Length of the prompt. */
  public int promptTokens() {
    return promptTokens;
  }

  /** Starts the row again with a shorter prompt; what was planned and remembered is forgotten. */
  public void restart(int newPromptTokens) {
    promptTokens = newPromptTokens;
    plan = null;
    memory = new float[0];
    feedForwardMemory = new float[0];
  }

  /** Most tokens that may be generated. */
  public int maxTokens() {
    return maxTokens;
  }

  /** The row's own plan, one entry of {@link Cells} per layer; all layers run at first. */
  public byte[] plan(int layers) {
    if (plan == null) {
      plan = new byte[layers];
      Arrays.fill(plan, Cells.LAYER);
    }
    return plan;
  }

  /** What the row's plan says of a layer; {@link Cells#LAYER} without one. */
  public byte planned(int layer) {
    return plan == null ? Cells.LAYER : plan[layer];
  }

  /** The policy's own numbers for this row, zero at first; the same array on every call. */
  public float[] memory(int size) {
    if (memory.length < size) {
      memory = Arrays.copyOf(memory, size);
    }
    return memory;
  }

  /** The same for the policy's {@link FeedForwardRule}, apart from what other parts remember. */
  public float[] feedForwardMemory(int size) {
    if (feedForwardMemory.length < size) {
      feedForwardMemory = Arrays.copyOf(feedForwardMemory, size);
    }
    return feedForwardMemory;
  }
}
