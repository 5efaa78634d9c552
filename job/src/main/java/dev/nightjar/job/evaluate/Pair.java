package dev.nightjar.job.evaluate;

/**
 * A finished run of one spec over one shard.
 *
 * @param specId short hash of the spec and its artefact
 * @param rows rows of the shard
 * @param seconds wall time of the Spark job that ran the model and wrote the rows, after warm-up
 * @param session the process that ran it; rates are compared within one only
 */
record Pair(String spec, String specId, int shard, long rows, double seconds, String session) {
  /** Rows per second. */
  double rate() {
    return seconds <= 0 ? 0 : rows / seconds;
  }
}
