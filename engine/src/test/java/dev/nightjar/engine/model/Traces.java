package dev.nightjar.engine.model;

import dev.nightjar.engine.api.RowTrace;
import java.util.BitSet;
import java.util.List;
import java.util.stream.IntStream;

/** What a state's slots ran, as lists that tests can compare. */
final class Traces {
  private Traces() {}

  /** The layers that each slot ran. */
  static List<BitSet> of(SequenceState state) {
    RowTrace trace = state.trace(new int[0]);
    return IntStream.range(0, trace.slots()).mapToObj(trace::layers).toList();
  }
}
