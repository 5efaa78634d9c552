package dev.nightjar.job.calibrate;

import java.io.Serializable;

/**
 * A partial result of some rows. {@link #merge} must be exactly associative and commutative, so
 * that the whole does not depend on how rows were split over tasks.
 */
interface Mergeable<A> extends Serializable {
  /** Adds the other's rows to this one and returns this. */
  A merge(A other);
}
