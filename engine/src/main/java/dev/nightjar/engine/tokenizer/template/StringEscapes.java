package dev.nightjar.engine.tokenizer.template;

/** Python's escapes in string literals. */
final class StringEscapes {
  private StringEscapes() {}

  /** The literal's value; unknown escapes stay as they are. */
  static String decode(String literal) {
    int backslash = literal.indexOf('\\');
    if (backslash < 0) {
      return literal;
    }
    StringBuilder out = new StringBuilder(literal.length());
    int i = 0;
    while (i < literal.length()) {
      char c = literal.charAt(i);
      if (c != '\\' || i + 1 == literal.length()) {
        out.append(c);
        i++;
        continue;
      }
      char kind = literal.charAt(i + 1);
      String plain = plain(kind);
      if (plain != null) {
        out.append(plain);
        i += 2;
        continue;
      }
      int digits = kind == 'x' ? 2 : kind == 'u' ? 4 : kind == 'U' ? 8 : 0;
      int codePoint = digits == 0 ? -1 : hexadecimal(literal, i + 2, digits);
      if (codePoint >= 0) {
        out.appendCodePoint(codePoint);
        i += 2 + digits;
      } else {
        out.append(c).append(kind);
        i += 2;
      }
    }
    return out.toString();
  }

  private static String plain(char kind) {
    return switch (kind) {
      case 'n' -> "\n";
      case 't' -> "\t";
      case 'r' -> "\r";
      case 'b' -> "\b";
      case 'f' -> "\f";
      case 'a' -> "\u0007";
      case 'v' -> "\u000B";
      case '0' -> "\0";
      case '\\', '\'', '"' -> String.valueOf(kind);
      case '\n' -> "";
      default -> null;
    };
  }

  private static int hexadecimal(String text, int from, int digits) {
    if (from + digits > text.length()) {
      return -1;
    }
    long value = 0;
    for (int i = from; i < from + digits; i++) {
      int digit = Character.digit(text.charAt(i), 16);
      if (digit < 0) {
        return -1;
      }
      value = value * 16 + digit;
    }
    return value <= Character.MAX_CODE_POINT ? (int) value : -1;
  }
}
