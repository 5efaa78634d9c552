package dev.nightjar.job;

/** The output's disk or quota is full; what was committed before stays. */
public final class OutputFullException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  OutputFullException(String output, String reason, String committed, Throwable cause) {
    super(
        "no space is left for "
            + output
            + " ("
            + reason
            + "); "
            + committed
            + "; make room and run the same command, which goes on from there",
        cause);
  }
}
