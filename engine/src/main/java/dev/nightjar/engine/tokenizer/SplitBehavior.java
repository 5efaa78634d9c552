package dev.nightjar.engine.tokenizer;

/** What becomes of the matches when a text is split at them. */
enum SplitBehavior {
  /** Matches are dropped. */
  REMOVED,
  /** Every match is a piece. */
  ISOLATED,
  /** A match is the end of the piece before it. */
  MERGED_WITH_PREVIOUS,
  /** A match is the start of the piece after it. */
  MERGED_WITH_NEXT,
  /** Neighbouring matches are one piece. */
  CONTIGUOUS;

  /**
   * Passes on the pieces of a text.
   *
   * @param bounds alternating ends of stretches from 0 on: unmatched, matched, unmatched, …; a
   *     stretch may be empty
   * @param numBounds how many of them count; the last is the length of the text
   */
  void emit(String text, boolean atStart, int[] bounds, int numBounds, PreTokenizer.Pieces out) {
    int open = 0; // where the piece that is still growing starts
    int from = 0;
    boolean previousMatched = false;
    for (int i = 0; i < numBounds; i++) {
      int to = bounds[i];
      if (to == from) {
        continue;
      }
      boolean matched = (i & 1) == 1;
      switch (this) {
        case REMOVED -> {
          if (!matched) {
            piece(text, from, to, atStart, out);
          }
        }
        case ISOLATED -> piece(text, from, to, atStart, out);
        case MERGED_WITH_PREVIOUS -> {
          if (!(matched && !previousMatched)) {
            piece(text, open, from, atStart, out);
            open = from;
          }
        }
        case MERGED_WITH_NEXT -> {
          if (!(previousMatched && !matched)) {
            piece(text, open, from, atStart, out);
            open = from;
          }
        }
        case CONTIGUOUS -> {
          if (matched != previousMatched) {
            piece(text, open, from, atStart, out);
            open = from;
          }
        }
      }
      previousMatched = matched;
      from = to;
    }
    if (this != REMOVED && this != ISOLATED) {
      piece(text, open, from, atStart, out);
    }
  }

  private static void piece(
      String text, int from, int to, boolean atStart, PreTokenizer.Pieces out) {
    if (from < to) {
      out.accept(text.substring(from, to), atStart && from == 0);
    }
  }
}
