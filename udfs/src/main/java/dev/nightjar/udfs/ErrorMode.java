package dev.nightjar.udfs;

/** What happens to rows that fail; Spark's own words for its readers. */
public enum ErrorMode {
  /** A failed row becomes a result row with {@code error} set. */
  PERMISSIVE,
  /** The first failed row fails the run. */
  FAIL_FAST,
  /** Failed rows are left out of the result. */
  DROP_MALFORMED
}
