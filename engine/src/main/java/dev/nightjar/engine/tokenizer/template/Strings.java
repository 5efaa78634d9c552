package dev.nightjar.engine.tokenizer.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** Python's string operations. */
final class Strings {
  private Strings() {}

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = Character.charCount(text.codePointAt(0));
    return upper(text.substring(0, first)) + lower(text.substring(first));
  }

  /**
   * Python's method: upper case behind everything that is not a letter, lower case behind letters.
   */
  static String title(String text) {
    return title(text, c -> !Character.isLetter(c));
  }

  /** Jinja's filter: upper case behind white space, hyphens and opening brackets only. */
  static String titleOfWords(String text) {
    return title(text, c -> "-({[<".indexOf(c) >= 0 || (c < 0x10000 && isSpace((char) c)));
  }

  private static String title(String text, IntPredicate separates) {
    StringBuilder out = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      out.appendCodePoint(inWord ? Character.toLowerCase(c) : Character.toTitleCase(c));
      inWord = !separates.test(c);
    }
    return out.toString();
  }

  static boolean isSpace(char c) {
    return (c >= '\t' && c <= '\r')
        || (c >= 0x1C && c <= ' ')
        || c == 0x85
        || c == 0xA0
        || (c > 255 && (Character.isSpaceChar(c)));
  }

  /** Removes the characters at the ends; null stands for white space. */
  static String strip(String text, String characters, boolean left, boolean right) {
    int from = 0;
    int to = text.length();
    while (left && from < to && isStripped(text.charAt(from), characters)) {
      from++;
    }
    while (right && to > from && isStripped(text.charAt(to - 1), characters)) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isStripped(char c, String characters) {
    return characters == null ? isSpace(c) : characters.indexOf(c) >= 0;
  }

  /**
   * At most {@code limit} cuts, without end if negative; a null separator stands for white space.
   */
  static List<Object> split(String text, String separator, long limit, Budget budget) {
    budget.spendChars(text.length());
    if (separator == null) {
      return splitAtSpace(text, limit, budget);
    }
    if (separator.isEmpty()) {
      throw budget.fault("split needs a separator that is not empty");
    }
    List<Object> parts = new ArrayList<>();
    int from = 0;
    int at = text.indexOf(separator);
    while (at >= 0 && (limit < 0 || parts.size() < limit)) {
      budget.spend(1);
      parts.add(text.substring(from, at));
      from = at + separator.length();
      at = text.indexOf(separator, from);
    }
    parts.add(text.substring(from));
    return parts;
  }

  private static List<Object> splitAtSpace(String text, long limit, Budget budget) {
    List<Object> parts = new ArrayList<>();
    int i = 0;
    while (true) {
      while (i < text.length() && isSpace(text.charAt(i))) {
        i++;
      }
      if (i == text.length()) {
        return parts;
      }
      budget.spend(1);
      if (limit >= 0 && parts.size() >= limit) {
        parts.add(strip(text.substring(i), null, false, true));
        return parts;
      }
      int from = i;
      while (i < text.length() && !isSpace(text.charAt(i))) {
        i++;
      }
      parts.add(text.substring(from, i));
    }
  }

  static List<Object> splitFromRight(String text, String separator, long limit, Budget budget) {
    List<Object> all = split(text, separator, -1, budget);
    if (limit < 0 || all.size() - 1 <= limit || separator == null) {
      return all;
    }
    int joined = (int) (all.size() - limit);
    StringBuilder first = new StringBuilder();
    for (int i = 0; i < joined; i++) {
      first.append(i == 0 ? "" : separator).append(all.get(i));
    }
    List<Object> parts = new ArrayList<>();
    parts.add(first.toString());
    parts.addAll(all.subList(joined, all.size()));
    return parts;
  }

  static List<Object> lines(String text, boolean keepEnds, Budget budget) {
    budget.spendChars(text.length());
    List<Object> lines = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\n' || c == '\r') {
        int end = c == '\r' && text.startsWith("\n", i + 1) ? i + 2 : i + 1;
        lines.add(text.substring(from, keepEnds ? end : i));
        budget.spend(1);
        from = end;
        i = end - 1;
      }
    }
    if (from < text.length()) {
      lines.add(text.substring(from));
    }
    return lines;
  }

  /** Replaces at most {@code limit} occurrences, all if negative. */
  static String replace(String text, String old, String replacement, long limit, Budget budget) {
    budget.spendChars(text.length());
    StringBuilder out = new StringBuilder();
    int from = 0;
    long count = 0;
    int at = text.indexOf(old);
    while (at >= 0 && (limit < 0 || count < limit)) {
      budget.spend(1);
      budget.spendChars(replacement.length());
      budget.checkLength(out.length());
      out.append(text, from, at).append(replacement);
      count++;
      from = at + old.length();
      if (old.isEmpty()) {
        if (at == text.length()) {
          return out.toString();
        }
        out.append(text.charAt(at));
        from = at + 1;
      }
      at = text.indexOf(old, from);
    }
    out.append(text, from, text.length());
    budget.checkLength(out.length());
    return out.toString();
  }

  static long count(String text, String part, Budget budget) {
    budget.spendChars(text.length());
    if (part.isEmpty()) {
      return text.length() + 1L;
    }
    long count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }
}
