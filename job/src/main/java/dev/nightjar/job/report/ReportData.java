package dev.nightjar.job.report;

import dev.nightjar.udfs.RunProfile;
import java.util.List;
import java.util.Optional;

/**
 * All that a page says, of a size that does not depend on the number of rows.
 *
 * @param previous the run of the same table before this one
 * @param options the run's effective options, as JSON
 * @param intervalSeconds length of an interval of {@code time}
 * @param time what ended in each interval from the run's start on
 * @param layerShares by layer: share of the computed tokens that ran it
 * @param exits generated tokens by the number of layers below the head that produced them
 * @param rowDepths rows by their share of layers run, in steps of {@link #DEPTH_STEPS}
 * @param profile layers by position, and rows with their tokens; if the run kept them
 */
record ReportData(
    RunFacts run,
    Optional<RunFacts> previous,
    String options,
    long intervalSeconds,
    List<Interval> time,
    List<Double> layerShares,
    List<Long> exits,
    List<Long> rowDepths,
    List<Group> finishReasons,
    List<ErrorGroup> errors,
    List<RowLine> slowest,
    List<RowLine> shallowest,
    Optional<RunProfile> profile) {
  /** Steps of the distribution of rows over depth. */
  static final int DEPTH_STEPS = 20;

  /** What ended in an interval. */
  record Interval(long rows, long errors, long promptTokens, long completionTokens) {}

  /** Rows with something in common. */
  record Group(String name, long rows) {}

  /**
   * Rows that failed alike.
   *
   * @param key of the one that came first
   */
  record ErrorGroup(String code, boolean retriable, long rows, String key, String message) {}

  /** A row as a line of a table. */
  record RowLine(
      String key,
      String finishReason,
      int promptTokens,
      int completionTokens,
      double cpuMillis,
      double meanLayers,
      double computeSaved) {}
}
