package dev.nightjar.engine.constraint;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads regular expressions in the syntax of {@link java.util.regex.Pattern}: what describes a
 * regular language is taken, what does not is refused by name. Used once per expression.
 */
final class RegexParser {
  private static final int MAX_NESTING = 100;
  private static final int MAX_COUNT = 10_000;
  private static final CharacterSet NO_LINE_END =
      CharacterSet.of("\n\r\u0085\u2028\u2029").complement();

  private final String pattern;
  private final boolean search;
  private int at;
  private int nesting;

  private RegexParser(String pattern, boolean search) {
    this.pattern = pattern;
    this.search = search;
  }

  /** The texts that the pattern matches as a whole. */
  static Language whole(String pattern) {
    return new RegexParser(pattern, false).parse();
  }

  /** The texts in which the pattern is found, as JSON Schema has it. */
  static Language anywhere(String pattern) {
    return new RegexParser(pattern, true).parse();
  }

  private Language parse() {
    Language language = alternatives();
    if (at < pattern.length()) {
      throw fault("an unmatched )", "escape it as \\)");
    }
    return language;
  }

  private Language alternatives() {
    List<Language> alternatives = new ArrayList<>();
    do {
      alternatives.add(alternative());
    } while (take("|"));
    return alternatives.size() == 1 ? alternatives.getFirst() : new Language.Union(alternatives);
  }

  private Language alternative() {
    List<Language> parts = new ArrayList<>();
    boolean outermost = nesting == 0;
    if (!(outermost && take("^")) && outermost && search) {
      parts.add(Language.ANYTHING);
    }
    boolean ends = false;
    while (at < pattern.length() && pattern.charAt(at) != '|' && pattern.charAt(at) != ')') {
      ends = outermost && endsAlternative();
      if (ends) {
        at++;
        break;
      }
      parts.add(repeated(atom()));
    }
    if (!ends && outermost && search) {
      parts.add(Language.ANYTHING);
    }
    return parts.size() == 1 ? parts.getFirst() : new Language.Chain(parts);
  }

  private boolean endsAlternative() {
    return pattern.charAt(at) == '$'
        && (at + 1 == pattern.length() || pattern.charAt(at + 1) == '|');
  }

  private Language atom() {
    int c = pattern.codePointAt(at);
    switch (c) {
      case '(' -> {
        return group();
      }
      case '[' -> {
        return new Language.OneOf(classes().bracketed());
      }
      case '.' -> {
        at++;
        return new Language.OneOf(NO_LINE_END);
      }
      case '\\' -> {
        return new Language.OneOf(classes().escaped());
      }
      case '^', '$' ->
          throw fault(
              "the anchor " + (char) c + " inside", "anchor the expression at its two ends only");
      case '*', '+', '?' ->
          throw fault("a " + (char) c + " without anything to repeat", "escape it");
      case '{' -> throw fault("a { without anything to repeat", "escape it as \\{");
      default -> {
        at += Character.charCount(c);
        return new Language.OneOf(CharacterSet.of(c, c));
      }
    }
  }

  /** Reads a character class from here and goes on behind it. */
  private ClassReader classes() {
    return new ClassReader();
  }

  private Language group() {
    at++;
    if (take("?")) {
      if (take("<") && at < pattern.length() && Character.isLetter(pattern.charAt(at))) {
        at = pattern.indexOf('>', at) + 1;
        if (at == 0) {
          throw fault("a group name without >", "close it");
        }
      } else if (!take(":")) {
        at--;
        throw fault(
            "a look-around, flag or atomic group (?",
            "only (...), (?:...) and (?<name>...) describe a set of texts by themselves");
      }
    }
    if (++nesting > MAX_NESTING) {
      throw fault("more than " + MAX_NESTING + " nested groups", "simplify it");
    }
    Language inner = alternatives();
    nesting--;
    if (!take(")")) {
      throw fault("a ( without )", "close it or escape it as \\(");
    }
    return inner;
  }

  private Language repeated(Language item) {
    Language result = item;
    while (at < pattern.length()) {
      int min = 0;
      int max = Language.Repeat.UNBOUNDED;
      switch (pattern.charAt(at)) {
        case '*' -> at++;
        case '+' -> {
          at++;
          min = 1;
        }
        case '?' -> {
          at++;
          max = 1;
        }
        case '{' -> {
          at++;
          min = count();
          max = take(",") ? (pattern.startsWith("}", at) ? max : count()) : min;
          if (!take("}") || (max >= 0 && max < min)) {
            throw fault("a malformed count {", "write {m}, {m,} or {m,n}");
          }
        }
        default -> {
          return result;
        }
      }
      if (pattern.startsWith("+", at)) {
        throw fault("a possessive quantifier", "use the plain one");
      }
      take("?");
      result = new Language.Repeat(result, min, max);
    }
    return result;
  }

  private int count() {
    int from = at;
    while (at < pattern.length() && pattern.charAt(at) >= '0' && pattern.charAt(at) <= '9') {
      at++;
    }
    if (at == from || at - from > 5 || Integer.parseInt(pattern, from, at, 10) > MAX_COUNT) {
      throw fault("a count that is no number from 0 to " + MAX_COUNT, "write {m}, {m,} or {m,n}");
    }
    return Integer.parseInt(pattern, from, at, 10);
  }

  private boolean take(String string) {
    boolean there = pattern.startsWith(string, at);
    at += there ? string.length() : 0;
    return there;
  }

  private EngineException fault(String what, String advice) {
    return new EngineException(
        ErrorCode.INVALID_OPTION,
        "the regular expression \""
            + (pattern.length() > 200 ? pattern.substring(0, 200) + "..." : pattern)
            + "\" has "
            + what
            + " at index "
            + at
            + "; "
            + advice);
  }

  /** Reads sets of characters: escapes and bracketed classes. */
  private final class ClassReader {
    /** A class in brackets. */
    CharacterSet bracketed() {
      at++;
      boolean negated = take("^");
      CharacterSet set = CharacterSet.NONE;
      boolean first = true;
      while (!pattern.startsWith("]", at) || first) {
        if (at >= pattern.length()) {
          throw fault("a [ without ]", "close it or escape it as \\[");
        }
        if (pattern.startsWith("[", at) || pattern.startsWith("&&", at)) {
          throw fault("a class inside a class", "write one class, or escape as \\[ and \\&");
        }
        CharacterSet item = item();
        if (pattern.startsWith("-", at) && !pattern.startsWith("-]", at)) {
          at++;
          CharacterSet last = item();
          if (!single(item) || !single(last) || last.first(0) < item.first(0)) {
            throw fault("a malformed range", "write it from the lower to the higher character");
          }
          item = CharacterSet.of(item.first(0), last.first(0));
        }
        set = set.plus(item);
        first = false;
      }
      at++;
      return negated ? set.complement() : set;
    }

    private boolean single(CharacterSet set) {
      return set.ranges() == 1 && set.first(0) == set.last(0);
    }

    private CharacterSet item() {
      if (at >= pattern.length()) {
        throw fault("a [ without ]", "close it or escape it as \\[");
      }
      if (pattern.charAt(at) == '\\') {
        return escaped();
      }
      int c = pattern.codePointAt(at);
      at += Character.charCount(c);
      return CharacterSet.of(c, c);
    }

    /** What a backslash and the characters behind it stand for. */
    CharacterSet escaped() {
      at++;
      if (at == pattern.length()) {
        throw fault("a \\ at its end", "escape it as \\\\");
      }
      char c = pattern.charAt(at++);
      return switch (c) {
        case 'd', 'D', 's', 'S', 'w', 'W', 'h', 'H', 'v', 'V' -> JavaClasses.of("\\" + c);
        case 'p', 'P' -> property(c);
        case 't' -> CharacterSet.of('\t', '\t');
        case 'n' -> CharacterSet.of('\n', '\n');
        case 'r' -> CharacterSet.of('\r', '\r');
        case 'f' -> CharacterSet.of('\f', '\f');
        case 'a' -> CharacterSet.of(7, 7);
        case 'e' -> CharacterSet.of(0x1B, 0x1B);
        case 'x' -> pattern.startsWith("{", at) ? braced() : hexadecimal(2);
        case 'u' -> hexadecimal(4);
        default -> {
          if (c < 128 && Character.isLetterOrDigit(c)) {
            at -= 2;
            throw fault(
                "\\" + c,
                c >= '1' && c <= '9' || c == 'k'
                    ? "back-references describe no regular set of texts"
                    : "boundaries and rarer escapes are not supported");
          }
          int whole = pattern.codePointAt(at - 1);
          at += Character.charCount(whole) - 1;
          yield CharacterSet.of(whole, whole);
        }
      };
    }

    private CharacterSet property(char kind) {
      int close = pattern.startsWith("{", at) ? pattern.indexOf('}', at) + 1 : at + 1;
      if (close <= at || close > pattern.length()) {
        throw fault("a malformed \\" + kind, "write \\" + kind + "{Name}");
      }
      String name = pattern.substring(at, close);
      at = close;
      CharacterSet set = JavaClasses.of("\\" + kind + name);
      if (set == null) {
        throw fault(
            "the unknown property \\" + kind + name, "use a name that java.util.regex knows");
      }
      return set;
    }

    private CharacterSet braced() {
      int close = pattern.indexOf('}', at);
      if (close < 0) {
        throw fault("a malformed \\x", "write \\x{h...h}");
      }
      at++;
      CharacterSet set = hexadecimal(close - at);
      at = close + 1;
      return set;
    }

    private CharacterSet hexadecimal(int digits) {
      int value = 0;
      for (int i = 0; i < digits; i++) {
        int digit = at < pattern.length() ? Character.digit(pattern.charAt(at), 16) : -1;
        if (digit < 0 || digits > 6) {
          throw fault("a malformed hexadecimal escape", "write \\xhh, \\uhhhh or \\x{h...h}");
        }
        value = value * 16 + digit;
        at++;
      }
      if (digits == 0
          || value > Character.MAX_CODE_POINT
          || (value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE)) {
        throw fault("an escape that is no character", "write characters beyond U+FFFF as \\x{...}");
      }
      return CharacterSet.of(value, value);
    }
  }
}
