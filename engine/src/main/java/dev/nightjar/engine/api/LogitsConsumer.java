package dev.nightjar.engine.api;

/** Receives the logits of one position after another. */
@FunctionalInterface
public interface LogitsConsumer {
  /**
   * Called in position order.
   *
   * @param logits {@code [vocabSize]} from {@code offset}; valid during the call only
   */
  void accept(int position, float[] logits, int offset);
}
