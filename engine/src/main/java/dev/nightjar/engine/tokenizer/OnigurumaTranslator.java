package dev.nightjar.engine.tokenizer;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Locale;
import java.util.Map;
import java.util.regex.PatternSyntaxException;

/**
 * Rewrites Oniguruma's Ruby syntax as {@link java.util.regex.Pattern} syntax: Unicode meanings of
 * {@code \s \d \w \h}, names of properties and POSIX brackets, {@code (?m)}, Unicode case folding,
 * and {@code {n,m}+}, which is not possessive in Ruby. Java checks the result.
 */
final class OnigurumaTranslator {
  private static final String SPACE = "\\p{IsWhite_Space}";
  private static final String DIGIT = "\\p{Nd}";

  /**
   * Of the numbers that are no decimal digits Oniguruma takes those of Latin-1 for word characters.
   */
  private static final String WORD = "\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}¹²³¼½¾";

  private static final String HEX = "0-9a-fA-F";

  private static final Map<String, String> LONG_CATEGORIES =
      Map.ofEntries(
          Map.entry("letter", "L"),
          Map.entry("mark", "M"),
          Map.entry("number", "N"),
          Map.entry("punctuation", "P"),
          Map.entry("symbol", "S"),
          Map.entry("separator", "Z"),
          Map.entry("other", "C"));

  private static final Map<String, String> POSIX =
      Map.ofEntries(
          Map.entry("alpha", "\\p{IsAlphabetic}"),
          Map.entry("digit", DIGIT),
          Map.entry("alnum", "\\p{IsAlphabetic}" + DIGIT),
          Map.entry("upper", "\\p{IsUppercase}"),
          Map.entry("lower", "\\p{IsLowercase}"),
          Map.entry("space", SPACE),
          Map.entry("punct", "\\p{P}\\p{S}"),
          Map.entry("cntrl", "\\p{Cc}"),
          Map.entry("xdigit", HEX),
          Map.entry("word", WORD));

  private final String source;
  private final StringBuilder out = new StringBuilder();
  private final Deque<Integer> groupStarts = new ArrayDeque<>();
  private int position;

  /** Where the last complete atom starts in the output, or -1. */
  private int atomStart = -1;

  OnigurumaTranslator(String source) {
    this.source = source;
  }

  String translate() {
    while (position < source.length()) {
      char c = source.charAt(position);
      switch (c) {
        case '\\' -> {
          atomStart = out.length();
          escape(false);
        }
        case '[' -> {
          atomStart = out.length();
          bracket();
        }
        case '(' -> open();
        case ')' -> {
          atomStart = groupStarts.isEmpty() ? -1 : groupStarts.pop();
          copy(1);
        }
        case '{' -> interval();
        case '|', '*', '+', '?' -> copy(1);
        default -> {
          atomStart = out.length();
          copy(Character.charCount(source.codePointAt(position)));
        }
      }
    }
    return out.toString();
  }

  private void copy(int count) {
    out.append(source, position, position + count);
    position += count;
  }

  private void open() {
    groupStarts.push(out.length());
    if (!source.startsWith("(?", position)) {
      // Captured text is never used, and back references are refused by the compiler then.
      out.append("(?:");
      position++;
      return;
    }
    if (source.startsWith("(?#", position)) {
      int end = source.indexOf(')', position);
      if (end < 0) {
        throw error("comment without end");
      }
      groupStarts.pop();
      position = end + 1;
      return;
    }
    int end = position + 2;
    while (end < source.length() && "imx-".indexOf(source.charAt(end)) >= 0) {
      end++;
    }
    if (end > position + 2) {
      String flags = source.substring(position + 2, end);
      boolean off = false;
      out.append("(?");
      for (char flag : flags.toCharArray()) {
        off |= flag == '-';
        out.append(flag == 'm' ? 's' : flag);
        if (flag == 'i' && !off) {
          out.append('u');
        }
      }
      if (end < source.length() && source.charAt(end) == ')') {
        groupStarts.pop();
        out.append(')');
        position = end + 1;
      } else {
        position = end;
      }
      return;
    }
    copy(2);
    if (position < source.length() && "<".indexOf(source.charAt(position)) >= 0) {
      copy(1);
    }
    if (position < source.length() && ":=!>".indexOf(source.charAt(position)) >= 0) {
      copy(1);
    }
  }

  /**
   * {@code {n,m}}; a plus behind it repeats the whole in Ruby, while Java would make it possessive.
   */
  private void interval() {
    int end = source.indexOf('}', position);
    String body = end < 0 ? "" : source.substring(position + 1, end);
    if (!body.matches("\\d{1,5}(,\\d{0,5})?|,\\d{1,5}")) {
      atomStart = out.length();
      out.append("\\{");
      position++;
      return;
    }
    out.append('{').append(body.startsWith(",") ? "0" + body : body).append('}');
    position = end + 1;
    if (position < source.length() && source.charAt(position) == '+' && atomStart >= 0) {
      out.insert(atomStart, "(?:").append(")+");
      position++;
    }
  }

  private void escape(boolean inBracket) {
    if (position + 1 >= source.length()) {
      throw error("backslash at the end");
    }
    char c = source.charAt(position + 1);
    switch (c) {
      case 's' -> set(SPACE, false, inBracket);
      case 'S' -> set(SPACE, true, inBracket);
      case 'd' -> set(DIGIT, false, inBracket);
      case 'D' -> set(DIGIT, true, inBracket);
      case 'w' -> set(WORD, false, inBracket);
      case 'W' -> set(WORD, true, inBracket);
      case 'h' -> set(HEX, false, inBracket);
      case 'H' -> set(HEX, true, inBracket);
      case 'p', 'P' -> property(c);
      case 'x' -> hexadecimal();
      default -> {
        if (c >= '1' && c <= '9') {
          throw error("back references are not supported");
        }
        int length = Character.charCount(source.codePointAt(position + 1));
        copy(1 + length);
      }
    }
  }

  private void set(String members, boolean negated, boolean inBracket) {
    position += 2;
    if (inBracket && !negated) {
      out.append(members);
    } else {
      out.append(negated ? "[^" : "[").append(members).append(']');
    }
  }

  private void hexadecimal() {
    int digits = position + 2;
    if (digits < source.length() && source.charAt(digits) == '{') {
      int end = source.indexOf('}', digits);
      if (end < 0) {
        throw error("\\x{ without }");
      }
      copy(end + 1 - position);
    } else {
      copy(2);
    }
  }

  private void property(char kind) {
    int open = position + 2;
    int close =
        open < source.length() && source.charAt(open) == '{' ? source.indexOf('}', open) : -1;
    if (close < 0) {
      throw error("property without braces");
    }
    String name = source.substring(open + 1, close);
    boolean negated = kind == 'P';
    if (name.startsWith("^")) {
      negated = !negated;
      name = name.substring(1);
    }
    position = close + 1;
    String plain = name.replace("_", "").replace(" ", "").replace("-", "");
    String posix = POSIX.get(plain.toLowerCase(Locale.ROOT));
    if (posix != null) {
      out.append(negated ? "[^" : "[").append(posix).append(']');
      return;
    }
    String category = LONG_CATEGORIES.get(plain.toLowerCase(Locale.ROOT));
    out.append(negated ? "\\P{" : "\\p{");
    if (category != null) {
      out.append(category);
    } else if (plain.length() <= 2) {
      out.append(plain);
    } else {
      out.append("Is").append(name.startsWith("Script=") ? name.substring(7) : name);
    }
    out.append('}');
  }

  private void bracket() {
    int depth = 0;
    do {
      char c = source.charAt(position);
      if (source.startsWith("[:", position) && depth > 0) {
        posixBracket();
        continue;
      }
      if (c == '[') {
        depth++;
        copy(1);
        if (position < source.length() && source.charAt(position) == '^') {
          copy(1);
        }
        if (position < source.length() && source.charAt(position) == ']') {
          out.append("\\]"); // a closing bracket at the start is a member
          position++;
        }
      } else if (c == ']') {
        depth--;
        copy(1);
      } else if (c == '\\') {
        escape(true);
      } else {
        copy(Character.charCount(source.codePointAt(position)));
      }
    } while (depth > 0 && position < source.length());
    if (depth > 0) {
      throw error("character class without end");
    }
  }

  private void posixBracket() {
    int end = source.indexOf(":]", position);
    String name = end < 0 ? "" : source.substring(position + 2, end);
    boolean negated = name.startsWith("^");
    String members = POSIX.get(negated ? name.substring(1) : name);
    if (members == null) {
      throw error("unknown POSIX bracket");
    }
    out.append(negated ? "[^" : "[").append(members).append(']');
    position = end + 2;
  }

  private PatternSyntaxException error(String description) {
    return new PatternSyntaxException(description, source, position);
  }
}
