package dev.nightjar.engine.tokenizer;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;

/**
 * Cuts normalised text into the pieces that are tokenised one by one. Immutable; pieces are passed
 * on as they come.
 */
sealed interface PreTokenizer {
  /** GPT-2's expression, used by ByteLevel. */
  String GPT2_REGEX =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  /** Takes pieces in order. */
  interface Pieces {
    /** A non-empty piece and whether it starts the whole text. */
    void accept(String piece, boolean atStart);
  }

  /** Passes on the pieces of a non-empty text. */
  void split(String text, boolean atStart, Pieces out);

  /** Leaves the text whole. */
  record Whole() implements PreTokenizer {
    @Override
    public void split(String text, boolean atStart, Pieces out) {
      out.accept(text, atStart);
    }
  }

  /** Several in a row, each cutting the pieces of the one before. */
  record Sequence(List<PreTokenizer> steps) implements PreTokenizer {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public void split(String text, boolean atStart, Pieces out) {
      split(0, text, atStart, out);
    }

    private void split(int step, String text, boolean atStart, Pieces out) {
      if (step == steps.size()) {
        out.accept(text, atStart);
      } else {
        steps.get(step).split(text, atStart, (piece, first) -> split(step + 1, piece, first, out));
      }
    }
  }

  /** Cuts at the matches of a pattern. */
  record Split(OnigurumaPattern pattern, SplitBehavior behavior, boolean invert)
      implements PreTokenizer {
    @Override
    public void split(String text, boolean atStart, Pieces out) {
      OnigurumaPattern.Matches matches = pattern.matches(text);
      if (behavior == SplitBehavior.ISOLATED) {
        isolate(text, atStart, matches, out);
        return;
      }
      Bounds bounds = new Bounds(invert);
      while (matches.find()) {
        bounds.add(matches.start(), matches.end());
      }
      bounds.emit(text, atStart, behavior, out);
    }

    /** The common case, without remembering the bounds. */
    private static void isolate(
        String text, boolean atStart, OnigurumaPattern.Matches matches, Pieces out) {
      int done = 0;
      while (matches.find()) {
        if (matches.start() > done) {
          out.accept(text.substring(done, matches.start()), atStart && done == 0);
          done = matches.start();
        }
        if (matches.end() > done) {
          out.accept(text.substring(done, matches.end()), atStart && done == 0);
          done = matches.end();
        }
      }
      if (done < text.length()) {
        out.accept(text.substring(done), atStart && done == 0);
      }
    }
  }

  /** Cuts at code points. */
  record SplitAt(IntPredicate delimiter, SplitBehavior behavior) implements PreTokenizer {
    @Override
    public void split(String text, boolean atStart, Pieces out) {
      Bounds bounds = new Bounds(false);
      for (int i = 0; i < text.length(); ) {
        int codePoint = text.codePointAt(i);
        int end = i + Character.charCount(codePoint);
        if (delimiter.test(codePoint)) {
          bounds.add(i, end);
        }
        i = end;
      }
      bounds.emit(text, atStart, behavior, out);
    }
  }

  /**
   * Writes the UTF-8 bytes as characters, after cutting with GPT-2's expression if there is one.
   */
  record ByteLevel(boolean addPrefixSpace, PreTokenizer words) implements PreTokenizer {
    @Override
    public void split(String text, boolean atStart, Pieces out) {
      String prefixed = addPrefixSpace && text.charAt(0) != ' ' ? " " + text : text;
      words.split(
          prefixed, atStart, (piece, first) -> out.accept(ByteAlphabet.encode(piece), first));
    }
  }

  /** When a space is put in front of the text. */
  enum PrependScheme {
    ALWAYS,
    FIRST,
    NEVER
  }

  /** SentencePiece's spaces as a visible character, cutting before each if asked to. */
  record Metaspace(String replacement, PrependScheme prepend, boolean split)
      implements PreTokenizer {
    @Override
    public void split(String text, boolean atStart, Pieces out) {
      String replaced = text.replace(" ", replacement);
      boolean wanted =
          prepend == PrependScheme.ALWAYS || (prepend == PrependScheme.FIRST && atStart);
      if (wanted && !replaced.startsWith(replacement)) {
        replaced = replacement + replaced;
      }
      if (!split) {
        out.accept(replaced, atStart);
        return;
      }
      int from = 0;
      int next = replaced.indexOf(replacement, 1);
      while (next >= 0) {
        out.accept(replaced.substring(from, next), atStart && from == 0);
        from = next;
        next = replaced.indexOf(replacement, from + 1);
      }
      out.accept(replaced.substring(from), atStart && from == 0);
    }
  }

  /** Collects the stretches between and inside matches. */
  final class Bounds {
    private final boolean invert;
    private int[] bounds = new int[32];
    private int size;

    Bounds(boolean invert) {
      this.invert = invert;
      if (invert) {
        push(0);
      }
    }

    void add(int start, int end) {
      push(start);
      push(end);
    }

    void emit(String text, boolean atStart, SplitBehavior behavior, Pieces out) {
      push(text.length());
      behavior.emit(text, atStart, bounds, size, out);
    }

    private void push(int bound) {
      if (size == bounds.length) {
        bounds = Arrays.copyOf(bounds, size * 2);
      }
      bounds[size++] = bound;
    }
  }
}
