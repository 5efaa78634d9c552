package dev.nightjar.job;

/** A run was stopped because more of its rows had failed than may; nothing was written. */
public final class TooManyErrorsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TooManyErrorsException(double maxErrorRate, Throwable cause) {
    super(
        "more than "
            + 100 * maxErrorRate
            + " % of the rows failed (errors.max-error-rate), so the run was stopped and nothing"
            + " was written; run a few rows with --limit and look at the error column",
        cause);
  }
}
