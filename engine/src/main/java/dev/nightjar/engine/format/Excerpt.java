package dev.nightjar.engine.format;

/**
 * Text from an untrusted file made fit for a message: of bounded length and without control
 * characters.
 */
public final class Excerpt {
  private static final int MAX_CHARS = 100;

  private Excerpt() {}

  /**
   * The text, shortened to about 100 characters, with control characters written as in Java source.
   */
  public static String of(String text) {
    StringBuilder out = new StringBuilder();
    int end = Math.min(text.length(), MAX_CHARS);
    for (int i = 0; i < end; i++) {
      char c = text.charAt(i);
      // Bidirectional overrides and the like (category Cf) could garble a terminal as well.
      if (Character.isISOControl(c)
          || Character.isSurrogate(c)
          || Character.getType(c) == Character.FORMAT) {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return end == text.length() ? out.toString() : out.append("...").toString();
  }
}
