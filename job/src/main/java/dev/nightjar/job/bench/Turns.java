package dev.nightjar.job.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/** Measurements of several things that took turns, so that a slow moment hits all of them. */
final class Turns {
  private Turns() {}

  /** Something that can be measured once more. */
  @FunctionalInterface
  interface Trial<T> {
    T run();
  }

  /**
   * Runs every trial once per round, each first in turn, after rounds that only warm up.
   *
   * @param warmUpNanos least time of the rounds that warm up; there is at least one
   * @return {@code [trial][round]}
   */
  static <T> List<List<T>> take(List<? extends Trial<T>> trials, int rounds, long warmUpNanos) {
    List<List<T>> results = new ArrayList<>();
    trials.forEach(trial -> results.add(new ArrayList<>()));
    long start = System.nanoTime();
    int turn = 0;
    for (int round = -1; round < rounds; turn++) {
      for (int i = 0; i < trials.size(); i++) {
        int next = (i + turn) % trials.size();
        T result = trials.get(next).run();
        if (round >= 0) {
          results.get(next).add(result);
        }
      }
      if (round >= 0 || System.nanoTime() - start >= warmUpNanos) {
        round++;
      }
    }
    return results;
  }

  /** One quantity of a trial's results. */
  static <T> Samples samples(List<T> results, ToDoubleFunction<T> quantity) {
    return new Samples(results.stream().mapToDouble(quantity).toArray());
  }

  /** A trial for each of several things. */
  static <S, T> List<Trial<T>> trials(List<S> subjects, Function<S, T> measurement) {
    List<Trial<T>> trials = new ArrayList<>();
    for (S subject : subjects) {
      trials.add(() -> measurement.apply(subject));
    }
    return trials;
  }
}
