package dev.nightjar.engine.tokenizer.template;

import dev.nightjar.engine.tokenizer.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens and applies white space control: {@code -} strips, {@code +} keeps,
 * the newline behind a block is dropped (trim_blocks), and so is the indentation before one
 * (lstrip_blocks), as Hugging Face sets it up.
 */
final class Lexer {
  private static final Pattern RAW_BEGIN = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-?)%\\}");
  private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*([-+]?)%\\}");
  private static final String[] OPERATORS = {
    "//", "**", "==", "!=", ">=", "<=", "+", "-", "*", "/", "%", "~", "[", "]", "(", ")", "{", "}",
    ">", "<", "=", ".", ":", "|", ",", ";"
  };

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int position;
  private int line = 1;

  /** Whether what was consumed last ended a line, or nothing was. */
  private boolean lineStarting = true;

  Lexer(String template) {
    String unified = template.replace("\r\n", "\n").replace('\r', '\n');
    // Jinja drops one newline at the end of the template.
    source = unified.endsWith("\n") ? unified.substring(0, unified.length() - 1) : unified;
  }

  List<Token> tokens() {
    while (position < source.length()) {
      int begin = nextTag();
      if (begin < 0) {
        text(source.substring(position));
        advance(source.length());
        break;
      }
      char kind = source.charAt(begin + 1);
      String before = stripBefore(source.substring(position, begin), begin, kind);
      text(before);
      advance(begin);
      switch (kind) {
        case '#' -> comment();
        case '%' -> {
          if (!raw()) {
            tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
          }
        }
        default -> tag(Kind.OUTPUT_BEGIN, Kind.OUTPUT_END, "}}");
      }
    }
    tokens.add(new Token(Kind.END, "", line));
    return tokens;
  }

  private int nextTag() {
    for (int i = source.indexOf('{', position); i >= 0; i = source.indexOf('{', i + 1)) {
      if (i + 1 < source.length() && "{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /** The text before a tag as far as the tag leaves it. */
  private String stripBefore(String text, int begin, char kind) {
    char control = begin + 2 < source.length() ? source.charAt(begin + 2) : ' ';
    if (control == '-') {
      return text.stripTrailing();
    }
    if (control == '+' || kind == '{') {
      return text;
    }
    int lineStart = text.lastIndexOf('\n') + 1;
    boolean atLineStart = lineStart > 0 || lineStarting;
    return atLineStart && text.substring(lineStart).isBlank() ? text.substring(0, lineStart) : text;
  }

  private void text(String text) {
    if (!text.isEmpty()) {
      tokens.add(new Token(Kind.TEXT, text, line));
    }
  }

  private void advance(int to) {
    for (int i = position; i < to; i++) {
      if (source.charAt(i) == '\n') {
        line++;
      }
    }
    if (to > position) {
      lineStarting = source.charAt(to - 1) == '\n';
    }
    position = to;
  }

  private void comment() {
    int end = source.indexOf("#}", position + 2);
    if (end < 0) {
      throw TemplateFault.at(line, "the comment is not closed, expected #}");
    }
    char control = end > position + 2 ? source.charAt(end - 1) : ' ';
    advance(end + 2);
    afterTag(control, true);
  }

  /** Drops what a tag's end takes from the text behind it. */
  private void afterTag(char control, boolean trimsNewline) {
    int end = position;
    if (control == '-') {
      while (end < source.length() && Character.isWhitespace(source.charAt(end))) {
        end++;
      }
    } else if (trimsNewline && control != '+' && source.startsWith("\n", end)) {
      end++;
    }
    advance(end);
  }

  private boolean raw() {
    Matcher begin = RAW_BEGIN.matcher(source).region(position, source.length());
    if (!begin.lookingAt()) {
      return false;
    }
    int beginLine = line;
    advance(begin.end());
    afterTag(begin.group(1).isEmpty() ? '+' : '-', false);
    Matcher end = RAW_END.matcher(source);
    if (!end.find(position)) {
      throw TemplateFault.at(beginLine, "raw is not closed, expected {% endraw %}");
    }
    text(stripBefore(source.substring(position, end.start()), end.start(), '%'));
    advance(end.end());
    afterTag(end.group(2).isEmpty() ? ' ' : end.group(2).charAt(0), true);
    return true;
  }

  private void tag(Kind beginKind, Kind endKind, String end) {
    int beginLine = line;
    tokens.add(new Token(beginKind, "", line));
    advance(position + 2);
    if (position < source.length() && "-+".indexOf(source.charAt(position)) >= 0) {
      advance(position + 1);
    }
    int depth = 0;
    while (position < source.length()) {
      char c = source.charAt(position);
      if (Character.isWhitespace(c)) {
        advance(position + 1);
      } else if (depth == 0 && source.startsWith(end, position)) {
        endTag(endKind, ' ');
        return;
      } else if (depth == 0 && (c == '-' || c == '+') && source.startsWith(end, position + 1)) {
        advance(position + 1);
        endTag(endKind, c);
        return;
      } else {
        depth += token(c);
      }
    }
    throw TemplateFault.at(beginLine, "the tag is not closed, expected " + end);
  }

  private void endTag(Kind kind, char control) {
    tokens.add(new Token(kind, "", line));
    advance(position + 2);
    afterTag(control, kind == Kind.BLOCK_END);
  }

  /** Reads one token and returns by how much brackets are nested deeper behind it. */
  private int token(char c) {
    if (c == '"' || c == '\'') {
      string(c);
      return 0;
    }
    if (Character.isUnicodeIdentifierStart(c) || c == '_') {
      int end = position + 1;
      while (end < source.length() && Character.isUnicodeIdentifierPart(source.charAt(end))) {
        end++;
      }
      add(Kind.NAME, end);
      return 0;
    }
    if (c >= '0' && c <= '9') {
      number();
      return 0;
    }
    for (String operator : OPERATORS) {
      if (source.startsWith(operator, position)) {
        add(Kind.OPERATOR, position + operator.length());
        return "([{".contains(operator) ? 1 : ")]}".contains(operator) ? -1 : 0;
      }
    }
    throw TemplateFault.at(line, "unexpected character \"" + c + "\"");
  }

  private void add(Kind kind, int end) {
    tokens.add(new Token(kind, source.substring(position, end), line));
    advance(end);
  }

  private void number() {
    int end = digits(position);
    Kind kind = Kind.INTEGER;
    if (end + 1 < source.length() && source.charAt(end) == '.' && isDigit(end + 1)) {
      end = digits(end + 1);
      kind = Kind.FLOAT;
    }
    if (end < source.length() && (source.charAt(end) == 'e' || source.charAt(end) == 'E')) {
      int sign = end + 1;
      if (sign < source.length() && "+-".indexOf(source.charAt(sign)) >= 0) {
        sign++;
      }
      if (isDigit(sign)) {
        end = digits(sign);
        kind = Kind.FLOAT;
      }
    }
    tokens.add(new Token(kind, source.substring(position, end).replace("_", ""), line));
    advance(end);
  }

  private int digits(int from) {
    int end = from;
    while (isDigit(end) || (end > from && source.startsWith("_", end) && isDigit(end + 1))) {
      end++;
    }
    return end;
  }

  private boolean isDigit(int index) {
    return index < source.length() && source.charAt(index) >= '0' && source.charAt(index) <= '9';
  }

  private void string(char quote) {
    int begin = position;
    int end = begin + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw TemplateFault.at(line, "the string is not closed, expected " + quote);
    }
    tokens.add(
        new Token(Kind.STRING, StringEscapes.decode(source.substring(begin + 1, end)), line));
    advance(end + 1);
  }
}
