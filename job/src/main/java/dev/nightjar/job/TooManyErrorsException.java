package dev.nightjar.job;

/** A run was stopped because more of its rows had failed than may; earlier chunks stay. */
public final class TooManyErrorsException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TooManyErrorsException(double maxErrorRate, long committedRows, Throwable cause) {
    super(
        "more than "
            + 100 * maxErrorRate
            + " % of the rows failed (errors.max-error-rate), so the run was stopped; "
            + (committedRows == 0
                ? "nothing was written"
                : committedRows + " rows were committed before and stay")
            + "; run a few rows with --limit and look at the error column",
        cause);
  }
}
