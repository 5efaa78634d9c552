package dev.nightjar.engine.api;

/**
 * Where one row's time went, in nanoseconds of wall clock.
 *
 * @param queueNanos from the row's arrival to its first step
 * @param prefillNanos from the first step to the end of the step that computed the last prompt
 *     token
 * @param decodeNanos from then to the last token
 * @param cpuNanos this row's share of the decoder thread's step time, by the layers it ran in each
 *     step
 */
public record Timing(
    long queueNanos, long prefillNanos, long decodeNanos, long cpuNanos, double meanBatchSize) {
  /** A row that did not reach the engine. */
  public static final Timing NONE = new Timing(0, 0, 0, 0, 0);

  /** From arrival to the last token. */
  public long totalNanos() {
    return queueNanos + prefillNanos + decodeNanos;
  }
}
