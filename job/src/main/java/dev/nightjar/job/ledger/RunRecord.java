package dev.nightjar.job.ledger;

/**
 * A run that was started.
 *
 * @param fingerprint the hash of all that determines a result
 * @param determines what was hashed, as JSON
 * @param output mode, format and date: a run that is continued must have the same
 */
public record RunRecord(
    String runId,
    String fingerprint,
    String determines,
    Output output,
    String applicationId,
    String startedAt) {

  /** Status of a run whose time was up. */
  public static final String STOPPED = "stopped";

  /** How a run writes. */
  public record Output(String mode, String format, String runDate) {}

  /**
   * How a run ended.
   *
   * @param status {@code ok}, {@link RunRecord#STOPPED}, or {@code too_many_errors}
   * @param summary the run's last line
   */
  public record End(String runId, String status, String finishedAt, String summary) {}
}
