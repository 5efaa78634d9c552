package dev.nightjar.engine.tokenizer;

/** Unicode properties as tokenizer files mean them. */
final class CodePoints {
  private CodePoints() {}

  /** White_Space. */
  static boolean isSpace(int codePoint) {
    return codePoint <= ' '
        ? codePoint == ' ' || (codePoint >= '\t' && codePoint <= '\r')
        : codePoint >= 0x85
            && (codePoint == 0x85
                || codePoint == 0xA0
                || Character.getType(codePoint) == Character.SPACE_SEPARATOR
                || codePoint == 0x2028
                || codePoint == 0x2029);
  }

  /** A letter, mark, decimal digit or connector: what regular expressions call a word character. */
  static boolean isWord(int codePoint) {
    if (Character.isAlphabetic(codePoint)) {
      return true;
    }
    return switch (Character.getType(codePoint)) {
      case Character.DECIMAL_DIGIT_NUMBER,
          Character.CONNECTOR_PUNCTUATION,
          Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.COMBINING_SPACING_MARK ->
          true;
      default -> codePoint == 0x200C || codePoint == 0x200D;
    };
  }

  /** A digit, letter number or other number, with those that came with Unicode 17. */
  static boolean isNumeric(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
      default ->
          (codePoint >= 0x11DE0 && codePoint <= 0x11DE9)
              || (codePoint >= 0x16FF4 && codePoint <= 0x16FF6);
    };
  }

  /** A mark of any kind. */
  static boolean isMark(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.NON_SPACING_MARK, Character.ENCLOSING_MARK, Character.COMBINING_SPACING_MARK ->
          true;
      default -> false;
    };
  }

  /**
   * Punctuation, and every ASCII character that is neither a letter, a digit, a space nor a
   * control.
   */
  static boolean isPunctuation(int codePoint) {
    if (codePoint < 128) {
      return codePoint > ' ' && codePoint < 127 && !Character.isLetterOrDigit(codePoint);
    }
    return switch (Character.getType(codePoint)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          !NewerUnicode.isPunctuation(codePoint);
      // Two signs that were punctuation before.
      default -> codePoint == 0x166D || codePoint == 0x111C9;
    };
  }

  /** The text with every lone surrogate replaced by U+FFFD. */
  static String repairSurrogates(String text) {
    StringBuilder repaired = null;
    int length = text.length();
    for (int i = 0; i < length; i++) {
      char c = text.charAt(i);
      if (!Character.isSurrogate(c)) {
        continue;
      }
      if (Character.isHighSurrogate(c)
          && i + 1 < length
          && Character.isLowSurrogate(text.charAt(i + 1))) {
        i++;
      } else {
        if (repaired == null) {
          repaired = new StringBuilder(text);
        }
        repaired.setCharAt(i, '�');
      }
    }
    return repaired == null ? text : repaired.toString();
  }
}
