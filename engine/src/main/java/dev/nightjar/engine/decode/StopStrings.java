package dev.nightjar.engine.decode;

import java.util.List;

/** Finds the first stop string in a growing text. */
record StopStrings(List<String> strings) {

  /** Where a stop string was found. */
  record Match(int index, String string) {}

  /**
   * The earliest match, the longest among those at the same place, or null.
   *
   * @param added length of the part of {@code text} that is new since the last call
   */
  Match find(CharSequence text, int added) {
    Match best = null;
    String all = null;
    for (String stop : strings) {
      int from = Math.max(0, text.length() - added - stop.length() + 1);
      all = all == null ? text.toString() : all;
      int index = all.indexOf(stop, from);
      if (index >= 0
          && (best == null
              || index < best.index()
              || (index == best.index() && stop.length() > best.string().length()))) {
        best = new Match(index, stop);
      }
    }
    return best;
  }
}
