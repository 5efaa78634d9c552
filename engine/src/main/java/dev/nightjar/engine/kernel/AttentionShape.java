package dev.nightjar.engine.kernel;

/**
 * What attention looks like in every layer of a model.
 *
 * @param keysValues how keys and values are stored
 * @param groupSize query heads that share a key/value head
 * @param scale what inner products are multiplied by
 * @param softCap what scaled products stay within, by {@link Kernels#softCap}; 0 for no bound
 */
public record AttentionShape(KvLayout keysValues, int groupSize, float scale, float softCap) {
  /** Attention without a bound. */
  public AttentionShape(KvLayout keysValues, int groupSize, float scale) {
    this(keysValues, groupSize, scale, 0);
  }

  /** Width of a slot's queries: all heads. */
  int queryDim() {
    return keysValues.kvHeads() * groupSize * keysValues.headDim();
  }
}
