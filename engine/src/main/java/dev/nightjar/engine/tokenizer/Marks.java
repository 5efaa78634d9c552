package dev.nightjar.engine.tokenizer;

import java.util.Arrays;

/**
 * A text from which markers were removed, and where they were. A marker stands behind the first
 * character of something that must not be taken for a control token.
 */
final class Marks implements AddedTokenMatcher.SpecialFilter {
  private final String text;
  private final char marker;

  /** For each marker the index in {@code text} of the character that followed it, ascending. */
  private final int[] positions;

  private Marks(String text, char marker, int[] positions) {
    this.text = text;
    this.marker = marker;
    this.positions = positions;
  }

  static Marks of(String marked, char marker) {
    int at = marked.indexOf(marker);
    if (at < 0) {
      return new Marks(marked, marker, new int[0]);
    }
    StringBuilder clean = new StringBuilder(marked.length());
    IntList positions = new IntList();
    int from = 0;
    for (; at >= 0; at = marked.indexOf(marker, from)) {
      clean.append(marked, from, at);
      positions.add(clean.length());
      from = at + 1;
    }
    clean.append(marked, from, marked.length());
    return new Marks(clean.toString(), marker, positions.toArray());
  }

  /** The text without markers. */
  String text() {
    return text;
  }

  char marker() {
    return marker;
  }

  /** No control token starts with a character that was marked. */
  @Override
  public boolean allows(int index) {
    // Characters outside the BMP take two indexes: the marker stood behind both.
    int next = index + Character.charCount(text.codePointAt(index));
    return Arrays.binarySearch(positions, next) < 0;
  }

  /** Whether a marker was inside this stretch of the text. */
  boolean anyIn(int from, int to) {
    int first = firstAfter(from);
    return first < positions.length && positions[first] <= to;
  }

  /** The segment that starts at the offset, with its markers. */
  String restore(String segment, int offset) {
    StringBuilder restored = new StringBuilder(segment.length() + 16);
    int copied = 0;
    for (int i = firstAfter(offset); i < positions.length; i++) {
      int inside = positions[i] - offset;
      if (inside > segment.length()) {
        break;
      }
      restored.append(segment, copied, inside).append(marker);
      copied = inside;
    }
    return restored.append(segment, copied, segment.length()).toString();
  }

  private int firstAfter(int index) {
    int found = Arrays.binarySearch(positions, index + 1);
    return found >= 0 ? found : -found - 1;
  }
}
