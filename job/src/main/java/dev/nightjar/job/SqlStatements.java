package dev.nightjar.job;

import java.util.ArrayList;
import java.util.List;

/**
 * Cuts SQL text into statements at semicolons outside of quotes and comments; text may come in
 * pieces.
 */
final class SqlStatements {
  private enum State {
    PLAIN,
    SINGLE,
    DOUBLE,
    BACK,
    LINE_COMMENT,
    BLOCK_COMMENT
  }

  private final StringBuilder current = new StringBuilder();
  private State state = State.PLAIN;
  private char previous;

  /**
   * The statements that {@code text} completes, without their semicolons; blank ones are left out.
   */
  List<String> add(String text) {
    List<String> complete = new ArrayList<>();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == ';' && state == State.PLAIN) {
        finish(complete);
        continue;
      }
      current.append(c);
      state = next(c);
      previous = previous == '\\' && c == '\\' ? 0 : c;
    }
    return complete;
  }

  /** What has been added since the last semicolon. */
  String rest() {
    return current.toString();
  }

  /** Whether nothing but white space has been added since the last semicolon. */
  boolean isEmpty() {
    return current.toString().isBlank();
  }

  private void finish(List<String> complete) {
    if (!isEmpty()) {
      complete.add(current.toString().strip());
    }
    current.setLength(0);
    previous = 0;
  }

  private State next(char c) {
    return switch (state) {
      case PLAIN -> opening(c);
      case SINGLE -> c == '\'' && previous != '\\' ? State.PLAIN : state;
      case DOUBLE -> c == '"' && previous != '\\' ? State.PLAIN : state;
      case BACK -> c == '`' ? State.PLAIN : state;
      case LINE_COMMENT -> c == '\n' ? State.PLAIN : state;
      case BLOCK_COMMENT -> c == '/' && previous == '*' ? State.PLAIN : state;
    };
  }

  private State opening(char c) {
    return switch (c) {
      case '\'' -> State.SINGLE;
      case '"' -> State.DOUBLE;
      case '`' -> State.BACK;
      case '-' -> previous == '-' ? State.LINE_COMMENT : State.PLAIN;
      case '*' -> previous == '/' ? State.BLOCK_COMMENT : State.PLAIN;
      default -> State.PLAIN;
    };
  }
}
