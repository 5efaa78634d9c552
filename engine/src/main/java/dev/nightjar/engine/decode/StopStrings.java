package dev.nightjar.engine.decode;

import dev.nightjar.engine.tokenizer.TextAssembler;
import java.util.List;

/** Finds the first stop string in a growing text. */
record StopStrings(List<String> strings) {

  /** Whether there are none, so that nobody needs the text before its end. */
  boolean isEmpty() {
    return strings.isEmpty();
  }

  /** Where a stop string was found. */
  record Match(int index, String string) {}

  /**
   * The earliest match, the longest among those at the same place, or null.
   *
   * @param added number of chars at the end of {@code text} that are new since the last call
   */
  Match find(TextAssembler text, int added) {
    Match best = null;
    for (int i = 0; added > 0 && i < strings.size(); i++) {
      String stop = strings.get(i);
      int index = text.indexOf(stop, Math.max(0, text.length() - added - stop.length() + 1));
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
