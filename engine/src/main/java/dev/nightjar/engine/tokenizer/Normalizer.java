package dev.nightjar.engine.tokenizer;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.text.Normalizer.Form;
import java.util.List;

/** Rewrites text before it is cut into pieces. Immutable. */
sealed interface Normalizer {
  /** The text in its normal form. */
  String normalize(String text);

  /** Keeps the text. */
  record Identity() implements Normalizer {
    @Override
    public String normalize(String text) {
      return text;
    }
  }

  /** Several in a row. */
  record Sequence(List<Normalizer> steps) implements Normalizer {
    public Sequence {
      steps = List.copyOf(steps);
    }

    @Override
    public String normalize(String text) {
      String result = text;
      for (Normalizer step : steps) {
        result = step.normalize(result);
      }
      return result;
    }
  }

  /** A Unicode normalisation form. */
  record Unicode(Form form) implements Normalizer {
    /** Sorting a run of marks takes quadratic time; no language needs more than a handful. */
    static final int MAX_MARKS = 10_000;

    @Override
    public String normalize(String text) {
      boolean ascii = true;
      boolean newer = false;
      int marks = 0;
      for (int i = 0; i < text.length(); ) {
        int codePoint = text.codePointAt(i);
        i += Character.charCount(codePoint);
        ascii &= codePoint < 128;
        newer |= NewerUnicode.contains(codePoint);
        marks = codePoint >= 0x300 && CodePoints.isMark(codePoint) ? marks + 1 : 0;
        if (marks > MAX_MARKS) {
          throw new EngineException(
              ErrorCode.INVALID_PROMPT,
              "the text has more than %d combining marks in a row; remove them"
                  .formatted(MAX_MARKS));
        }
      }
      if (ascii) {
        return text;
      }
      return newer
          ? NewerUnicode.normalize(text, form)
          : java.text.Normalizer.normalize(text, form);
    }
  }

  /** Replaces every match of a pattern. */
  record Replace(OnigurumaPattern pattern, String content) implements Normalizer {
    @Override
    public String normalize(String text) {
      return pattern.replaceAll(text, content);
    }
  }

  /** Replaces every occurrence of a string. */
  record ReplaceString(String string, String content) implements Normalizer {
    @Override
    public String normalize(String text) {
      return text.replace(string, content);
    }
  }

  /** Puts a string in front of non-empty text. */
  record Prepend(String prefix) implements Normalizer {
    @Override
    public String normalize(String text) {
      return text.isEmpty() ? text : prefix + text;
    }
  }

  /** Lower case, character by character. */
  record Lowercase() implements Normalizer {
    @Override
    public String normalize(String text) {
      StringBuilder out = new StringBuilder(text.length());
      for (int i = 0; i < text.length(); ) {
        int codePoint = text.codePointAt(i);
        i += Character.charCount(codePoint);
        // One character at a time: without the context rule for a sigma at the end of a word.
        if (codePoint == 'İ') {
          out.append("i̇");
        } else {
          out.appendCodePoint(Character.toLowerCase(codePoint));
        }
      }
      return out.toString();
    }
  }

  /** Removes white space at the ends. */
  record Strip(boolean left, boolean right) implements Normalizer {
    @Override
    public String normalize(String text) {
      int from = 0;
      int to = text.length();
      while (left && from < to && CodePoints.isSpace(text.charAt(from))) {
        from++;
      }
      while (right && to > from && CodePoints.isSpace(text.charAt(to - 1))) {
        to--;
      }
      return text.substring(from, to);
    }
  }

  /** Removes non-spacing marks. */
  record StripAccents() implements Normalizer {
    @Override
    public String normalize(String text) {
      StringBuilder out = new StringBuilder(text.length());
      for (int i = 0; i < text.length(); ) {
        int codePoint = text.codePointAt(i);
        i += Character.charCount(codePoint);
        if (!CodePoints.isMark(codePoint)) {
          out.appendCodePoint(codePoint);
        }
      }
      return out.toString();
    }
  }

  /** Writes the UTF-8 bytes as characters. */
  record ByteLevel() implements Normalizer {
    @Override
    public String normalize(String text) {
      return ByteAlphabet.encode(text);
    }
  }

  /** SentencePiece's compiled rules. */
  record Precompiled(PrecompiledCharsMap rules) implements Normalizer {
    @Override
    public String normalize(String text) {
      return rules.normalize(text);
    }
  }

  /** SentencePiece's rule set "nmt": drops control characters, makes odd spaces plain ones. */
  record Nmt() implements Normalizer {
    @Override
    public String normalize(String text) {
      StringBuilder out = new StringBuilder(text.length());
      for (int i = 0; i < text.length(); ) {
        int c = text.codePointAt(i);
        i += Character.charCount(c);
        boolean dropped =
            (c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F;
        if (dropped || c == 0x8F || c == 0x9F) {
          continue;
        }
        boolean space =
            c == 0x09
                || c == 0x0A
                || c == 0x0C
                || c == 0x0D
                || c == 0x1680
                || (c >= 0x200B && c <= 0x200F)
                || c == 0x2028
                || c == 0x2029
                || c == 0x2581
                || c == 0xFEFF
                || c == 0xFFFD;
        out.appendCodePoint(space ? ' ' : c);
      }
      return out.toString();
    }
  }
}
