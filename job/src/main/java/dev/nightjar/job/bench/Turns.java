package dev.nightjar.job.bench;

import java.util.ArrayList;
import java.util.Collections;
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
   * How long a comparison may take: as many rounds as there is time for, within bounds.
   *
   * @param warmUpNanos least time of the rounds that warm up; there is at least one
   * @param nanos after which no round begins that is not needed
   */
  record Budget(long warmUpNanos, long nanos, int leastRounds, int mostRounds) {
    /** Exactly so many rounds. */
    static Budget rounds(int rounds, long warmUpNanos) {
      return new Budget(warmUpNanos, Long.MAX_VALUE, rounds, rounds);
    }
  }

  /** {@link #take(List, Budget)} with a number of rounds. */
  static <T> List<List<T>> take(List<? extends Trial<T>> trials, int rounds, long warmUpNanos) {
    return take(trials, Budget.rounds(rounds, warmUpNanos));
  }

  /**
   * Runs every trial once per round, each first in turn, after rounds that only warm up.
   *
   * @return {@code [trial][round]}
   */
  static <T> List<List<T>> take(List<? extends Trial<T>> trials, Budget budget) {
    int turn = 0;
    long start = System.nanoTime();
    do {
      round(trials, turn++);
    } while (System.nanoTime() - start < budget.warmUpNanos());
    List<List<T>> results = new ArrayList<>();
    trials.forEach(trial -> results.add(new ArrayList<>()));
    start = System.nanoTime();
    int rounds = 0;
    while (rounds < budget.leastRounds()
        || (rounds < budget.mostRounds() && System.nanoTime() - start < budget.nanos())) {
      List<T> round = round(trials, turn++);
      for (int i = 0; i < trials.size(); i++) {
        results.get(i).add(round.get(i));
      }
      rounds++;
    }
    return results;
  }

  /** Every trial once, beginning with that of the turn; results in the order of the trials. */
  private static <T> List<T> round(List<? extends Trial<T>> trials, int turn) {
    List<T> results = new ArrayList<>(Collections.nCopies(trials.size(), null));
    for (int i = 0; i < trials.size(); i++) {
      int next = (i + turn) % trials.size();
      results.set(next, trials.get(next).run());
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
