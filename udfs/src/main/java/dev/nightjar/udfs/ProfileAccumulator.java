package dev.nightjar.udfs;

import org.apache.spark.util.AccumulatorV2;

/** Adds up the {@link RunProfile}s of tasks; each task adds its own once, at its end. */
public final class ProfileAccumulator extends AccumulatorV2<RunProfile, RunProfile> {
  private RunProfile sum = RunProfile.NONE;

  @Override
  public boolean isZero() {
    return sum.rows() == 0;
  }

  @Override
  public AccumulatorV2<RunProfile, RunProfile> copy() {
    ProfileAccumulator copy = new ProfileAccumulator();
    copy.sum = sum;
    return copy;
  }

  @Override
  public void reset() {
    sum = RunProfile.NONE;
  }

  @Override
  public void add(RunProfile profile) {
    sum = sum.plus(profile);
  }

  @Override
  public void merge(AccumulatorV2<RunProfile, RunProfile> other) {
    sum = sum.plus(other.value());
  }

  @Override
  public RunProfile value() {
    return sum;
  }
}
