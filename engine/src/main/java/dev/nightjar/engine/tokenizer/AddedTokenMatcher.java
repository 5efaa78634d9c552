package dev.nightjar.engine.tokenizer;

import java.util.BitSet;
import java.util.List;

/** Finds added tokens in a text: the leftmost, of those the longest. Immutable. */
final class AddedTokenMatcher {
  /** Takes the parts of a text in order. */
  interface Parts {
    /** Text between added tokens, never empty. */
    void text(int from, int to);

    /** An added token. */
    void token(int id);
  }

  /** Which special tokens may be taken for tokens. */
  interface SpecialFilter {
    /** Takes no special token. */
    SpecialFilter NONE = index -> false;

    /** Takes every special token. */
    SpecialFilter ALL = index -> true;

    /** Whether a special token may start at this index of the text. */
    boolean allows(int index);
  }

  private final List<AddedToken> tokens;
  private final StringTrie trie = new StringTrie(256);
  private final BitSet firstChars = new BitSet();

  /**
   * Takes the tokens with the strings to look for, which may be normalised forms of their contents.
   *
   * @param patterns as long as {@code tokens}; an empty one is never found
   */
  AddedTokenMatcher(List<AddedToken> tokens, List<String> patterns) {
    this.tokens = List.copyOf(tokens);
    for (int t = 0; t < patterns.size(); t++) {
      String pattern = patterns.get(t);
      if (!pattern.isEmpty()) {
        trie.add(pattern, t);
        firstChars.set(pattern.charAt(0));
      }
    }
  }

  boolean isEmpty() {
    return firstChars.isEmpty();
  }

  /** Passes on the parts of a text. */
  void split(String text, SpecialFilter specials, Parts parts) {
    int length = text.length();
    int done = 0;
    int i = isEmpty() ? length : 0;
    while (i < length) {
      long match = firstChars.get(text.charAt(i)) ? longest(text, i) : -1;
      if (match < 0) {
        i++;
        continue;
      }
      int matchStart = i;
      int matchEnd = (int) (match >>> 32);
      AddedToken token = tokens.get((int) match);
      i = matchEnd;
      if ((token.isControl() && !specials.allows(matchStart))
          || (token.singleWord() && !standsAlone(text, matchStart, matchEnd))) {
        continue;
      }
      int start = token.stripLeft() ? Math.max(done, spaceBefore(text, matchStart)) : matchStart;
      int end = token.stripRight() ? spaceBehind(text, matchEnd) : matchEnd;
      if (done < start) {
        parts.text(done, start);
      }
      parts.token(token.id());
      done = end;
    }
    if (done < length) {
      parts.text(done, length);
    }
  }

  /** End of the longest pattern from here in the high half, its index in the low half; or -1. */
  private long longest(String text, int from) {
    long best = -1;
    int node = StringTrie.ROOT;
    for (int i = from; i < text.length(); i++) {
      node = trie.next(node, text.charAt(i));
      if (node < 0) {
        break;
      }
      int token = trie.value(node);
      if (token >= 0) {
        best = LongIntMap.key(i + 1, token);
      }
    }
    return best;
  }

  private static boolean standsAlone(String text, int start, int end) {
    return (start == 0 || !CodePoints.isWord(text.codePointBefore(start)))
        && (end == text.length() || !CodePoints.isWord(text.codePointAt(end)));
  }

  private static int spaceBefore(String text, int index) {
    int i = index;
    while (i > 0 && CodePoints.isSpace(text.charAt(i - 1))) {
      i--;
    }
    return i;
  }

  private static int spaceBehind(String text, int index) {
    int i = index;
    while (i < text.length() && CodePoints.isSpace(text.charAt(i))) {
      i++;
    }
    return i;
  }
}
