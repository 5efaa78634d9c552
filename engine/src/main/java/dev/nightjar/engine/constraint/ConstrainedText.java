package dev.nightjar.engine.constraint;

import java.nio.charset.StandardCharsets;

/** A text that comes into being under a constraint. Confined to one thread. */
public final class ConstrainedText {
  private final Constraint constraint;
  private final ByteAutomaton automaton;
  private int state;
  private boolean atStart = true;

  ConstrainedText(Constraint constraint, ByteAutomaton automaton) {
    this.constraint = constraint;
    this.automaton = automaton;
  }

  /**
   * The tokens of which one must come next; null if the text must end because of the limit.
   *
   * @param remaining how many more tokens there may be, at least {@link Constraint#minTokens()} at
   *     the start
   */
  public TokenSet next(int remaining) {
    return constraint.next(state, atStart, remaining - 1);
  }

  /** Adds one of those tokens, unless it ends the text. */
  public void add(int token) {
    byte[] bytes = constraint.bytes(token, atStart);
    int to = bytes == null ? ByteAutomaton.DEAD : automaton.next(state, bytes);
    if (to == ByteAutomaton.DEAD) {
      throw new IllegalStateException("token " + token + " does not fit");
    }
    state = to;
    atStart = false;
  }

  /** Whether nothing can follow. */
  public boolean complete() {
    return !atStart && automaton.accepting(state) && constraint.isLast(state);
  }

  /** Whether a text fits the format as it is. */
  public boolean fits(String text) {
    int end = automaton.next(0, text.getBytes(StandardCharsets.UTF_8));
    return end != ByteAutomaton.DEAD && automaton.accepting(end);
  }
}
