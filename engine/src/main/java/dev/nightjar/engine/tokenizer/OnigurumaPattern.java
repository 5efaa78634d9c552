package dev.nightjar.engine.tokenizer;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/**
 * A regular expression from a tokenizer file. These are written for Oniguruma (Ruby syntax, UTF-8)
 * and translated to Java's syntax. Matching an expression that backtracks without end stops with an
 * error instead of hanging.
 */
final class OnigurumaPattern {
  private static final int MAX_LENGTH = 20_000;
  private static final long STEPS_PER_CHAR = 400;
  private static final long FREE_STEPS = 10_000_000;

  private final String source;
  private final Pattern pattern;

  private OnigurumaPattern(String source, Pattern pattern) {
    this.source = source;
    this.pattern = pattern;
  }

  /**
   * Translates an expression; one that is malformed or not supported is an {@code
   * INVALID_TOKENIZER} error.
   */
  static OnigurumaPattern ofRegex(String regex) {
    if (regex.length() > MAX_LENGTH) {
      throw new EngineException(
          ErrorCode.INVALID_TOKENIZER,
          "tokenizer: a regular expression has %d characters, expected at most %d"
              .formatted(regex.length(), MAX_LENGTH));
    }
    try {
      String translated = new OnigurumaTranslator(regex).translate();
      return new OnigurumaPattern(
          regex, Pattern.compile(translated, Pattern.MULTILINE | Pattern.UNIX_LINES));
    } catch (PatternSyntaxException | StackOverflowError e) {
      String reason = e instanceof PatternSyntaxException p ? p.getDescription() : "too deep";
      throw new EngineException(
          ErrorCode.INVALID_TOKENIZER,
          "tokenizer: the regular expression \"%s\" is malformed or not supported (%s)"
              .formatted(regex, reason),
          e);
    }
  }

  /** A pattern that matches just this string. */
  static OnigurumaPattern ofLiteral(String literal) {
    return new OnigurumaPattern(literal, Pattern.compile(Pattern.quote(literal)));
  }

  String source() {
    return source;
  }

  /** Starts finding the matches in a text. */
  Matches matches(String text) {
    return new Matches(text);
  }

  /** The text with every match replaced by the literal content. */
  String replaceAll(String text, String content) {
    Matches matches = matches(text);
    int copied = 0;
    StringBuilder out = null;
    while (matches.find()) {
      if (out == null) {
        out = new StringBuilder(text.length() + 16);
      }
      out.append(text, copied, matches.start()).append(content);
      copied = matches.end();
    }
    return out == null ? text : out.append(text, copied, text.length()).toString();
  }

  /** The matches in one text, from left to right. */
  final class Matches {
    private final Matcher matcher;

    private Matches(String text) {
      matcher = pattern.matcher(new BoundedText(text));
    }

    boolean find() {
      try {
        return matcher.find();
      } catch (StackOverflowError e) {
        throw new EngineException(
            ErrorCode.INVALID_PROMPT,
            "the tokenizer's regular expression \"%s\" needs too much stack for this text;"
                    .formatted(source)
                + " shorten the text",
            e);
      }
    }

    int start() {
      return matcher.start();
    }

    int end() {
      return matcher.end();
    }
  }

  /** A text that may be looked at only so often. */
  private final class BoundedText implements CharSequence {
    private final String text;
    private long stepsLeft;

    private BoundedText(String text) {
      this.text = text;
      this.stepsLeft = FREE_STEPS + STEPS_PER_CHAR * text.length();
    }

    @Override
    public char charAt(int index) {
      if (--stepsLeft < 0) {
        throw new EngineException(
            ErrorCode.INVALID_PROMPT,
            "the tokenizer's regular expression \"%s\" backtracks too much on this text;"
                    .formatted(source)
                + " shorten the text");
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.substring(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }
}
