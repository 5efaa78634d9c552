package dev.nightjar.engine.constraint;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A format over a vocabulary: which tokens may come next in each state of its automaton, and how
 * many it takes from there to a complete text. Sets of tokens are computed when they are first
 * needed and kept within a bound. Safe for concurrent use.
 */
public final class Constraint {
  private static final long MAX_KEPT_BYTES = 16L << 20;
  private static final int NEVER = Integer.MAX_VALUE;

  private final ByteAutomaton automaton;
  private final TokenTrie start;
  private final TokenTrie inside;
  private final int vocabSize;
  private final int[] ends;

  /** By state: tokens that suffice to complete a text; {@link #NEVER} where none do. */
  private final int[] distance;

  private final Choices first;
  private volatile Choices[] kept;
  private final AtomicLong keptBytes = new AtomicLong();

  /**
   * The tokens that may come in a state.
   *
   * @param tokens null if no text goes on here
   * @param farthest the largest distance one of them leads to
   */
  private record Choices(TokenSet tokens, int nearest, int farthest) {}

  /**
   * A format over a vocabulary.
   *
   * @param start the tokens as they read at the start of a text
   * @param inside the tokens as they read behind others
   * @param ends the tokens that end a text
   */
  Constraint(
      ByteAutomaton automaton,
      TokenTrie start,
      TokenTrie inside,
      int vocabSize,
      List<Integer> ends) {
    this.automaton = automaton;
    this.start = start;
    this.inside = inside;
    this.vocabSize = vocabSize;
    this.ends = ends.stream().filter(id -> id < vocabSize).mapToInt(Integer::intValue).toArray();
    this.distance = distances(automaton, inside);
    this.first = choices(start, 0, true, NEVER - 1);
    this.kept = new Choices[automaton.size()];
    if (first.tokens == null) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "no text fits the response format that the model's vocabulary can write; use another"
              + " format");
    }
  }

  /** Goes from the complete texts backwards, by shortest ways in bytes that are tokens. */
  private static int[] distances(ByteAutomaton automaton, TokenTrie trie) {
    int[] bytes = automaton.distances(trie.singleBytes());
    int longest = 0;
    for (int length : bytes) {
      longest = length == NEVER ? longest : Math.max(longest, length);
    }
    int[] startOfLength = new int[longest + 2];
    for (int length : bytes) {
      if (length != NEVER) {
        startOfLength[length + 1]++;
      }
    }
    for (int length = 0; length <= longest; length++) {
      startOfLength[length + 1] += startOfLength[length];
    }
    int[] order = new int[startOfLength[longest + 1]];
    for (int state = 0; state < bytes.length; state++) {
      if (bytes[state] != NEVER) {
        order[startOfLength[bytes[state]]++] = state;
      }
    }
    int[] tokens = new int[bytes.length];
    Arrays.fill(tokens, NEVER);
    for (int state : order) {
      tokens[state] = bytes[state] == 0 ? 0 : 1 + trie.nearest(automaton, state, bytes, tokens);
    }
    return tokens;
  }

  /** The least number of tokens that a completion may be limited to. */
  public int minTokens() {
    return automaton.accepting(0) && ends.length > 0 ? 1 : 1 + first.nearest;
  }

  /** A text that has not begun. */
  public ConstrainedText newText() {
    return new ConstrainedText(this, automaton);
  }

  /** Most bytes of memory beside the vocabulary's. */
  long byteSize() {
    return automaton.byteSize() + 8L * distance.length + keptBytes.get();
  }

  /** The bytes of a token. */
  byte[] bytes(int token, boolean atStart) {
    return (atStart ? start : inside).bytes(token);
  }

  /** Whether no text goes on in a state. */
  boolean isLast(int state) {
    return kept(state).tokens == null;
  }

  /** The tokens that may come in a state if that many more may follow them, null without any. */
  TokenSet next(int state, boolean atStart, int following) {
    Choices choices = atStart ? first : kept(state);
    if (choices.farthest <= following) {
      return choices.tokens;
    }
    return choices(atStart ? start : inside, state, atStart, following).tokens;
  }

  private Choices kept(int state) {
    Choices[] all = kept;
    Choices choices = all[state];
    if (choices == null) {
      choices = choices(inside, state, false, NEVER - 1);
      long bytes = choices.tokens == null ? 0 : choices.tokens.byteSize();
      if (keptBytes.addAndGet(64 + bytes) > MAX_KEPT_BYTES) {
        keptBytes.set(0);
        all = new Choices[all.length];
        kept = all;
      }
      all[state] = choices;
    }
    return choices;
  }

  private Choices choices(TokenTrie trie, int state, boolean atStart, int limit) {
    long[] marked = new long[(vocabSize + 63) >> 6];
    TokenTrie.Range range = trie.mark(automaton, state, distance, limit, marked);
    boolean mayEnd = automaton.accepting(state) && ends.length > 0;
    for (int i = 0; i < ends.length && mayEnd; i++) {
      marked[ends[i] >> 6] |= 1L << ends[i];
    }
    boolean any = range.farthest() >= 0 || (mayEnd && atStart);
    return new Choices(any ? new TokenSet(marked) : null, range.nearest(), range.farthest());
  }
}
