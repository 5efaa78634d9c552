package dev.nightjar.engine.decode;

import dev.nightjar.engine.tokenizer.TextAssembler;
import java.util.List;

/** Finds the first stop string in a growing text. */
record StopStrings(List<String> strings) {

  /** Where a stop string was found. */
  record Match(int index, String string) {}

  /**
   * The earliest match, the longest among those at the same place, or null.
   *
   * @param added number of chars at the end of {@code text} that are new since the last call
   */
  Match find(TextAssembler text, int added) {
    if (strings.isEmpty() || added == 0) {
      return null;
    }
    Match best = null;
    String all = text.text();
    for (String stop : strings) {
      int index = all.indexOf(stop, Math.max(0, all.length() - added - stop.length() + 1));
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
