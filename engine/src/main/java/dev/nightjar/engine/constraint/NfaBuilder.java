package dev.nightjar.engine.constraint;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/**
 * Lowers a language to a nondeterministic automaton over UTF-8 bytes (Thompson's construction).
 * State 0 is the start. No edge of a part leads back to the state that the part starts from.
 */
final class NfaBuilder {
  /** Low end of the byte range of an edge that needs no byte. */
  static final int NO_BYTE = -1;

  private static final int MAX_STATES = 500_000;
  private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, Character.MAX_CODE_POINT};

  /** By state: its last edge, or -1. */
  int[] firstEdge = new int[64];

  /** By edge: the next edge of its state, or -1. */
  int[] nextEdge = new int[64];

  int[] low = new int[64];
  int[] high = new int[64];
  int[] target = new int[64];
  int states;
  private int edges;

  /** Adds the language; returns the state in which its texts end. */
  int addAll(Language language) {
    return add(language, newState());
  }

  private int add(Language language, int from) {
    return switch (language) {
      case Language.Literal(String text) -> literal(text, from);
      case Language.OneOf(CharacterSet characters) -> oneOf(characters, from);
      case Language.Chain(List<Language> parts) -> {
        int at = from;
        for (Language part : parts) {
          at = add(part, at);
        }
        yield at;
      }
      case Language.Union(List<Language> alternatives) -> {
        int end = newState();
        for (Language alternative : alternatives) {
          step(add(alternative, from), end);
        }
        yield end;
      }
      case Language.Repeat repeat -> repeat(repeat, from);
      case Language.Listed listed -> listed(listed, from);
      case Language.Members members -> members(members, from);
      case Language.Both(Language one, Language other) ->
          embed(ByteAutomaton.intersection(ByteAutomaton.of(one), ByteAutomaton.of(other)), from);
    };
  }

  private int literal(String text, int from) {
    int at = from;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      int next = newState();
      edge(at, next, b & 0xFF, b & 0xFF);
      at = next;
    }
    return at;
  }

  private int oneOf(CharacterSet characters, int from) {
    int end = newState();
    for (int i = 0; i < characters.ranges(); i++) {
      range(characters.first(i), characters.last(i), from, end);
    }
    return end;
  }

  /** The UTF-8 forms of a range of characters, split until each byte ranges on its own. */
  private void range(int first, int last, int from, int to) {
    for (int limit : LAST_OF_LENGTH) {
      if (first <= limit && limit < last) {
        range(first, limit, from, to);
        range(limit + 1, last, from, to);
        return;
      }
    }
    for (int shift = 6; shift <= 18 && last > 0x7F; shift += 6) {
      int mask = (1 << shift) - 1;
      if ((first & ~mask) != (last & ~mask)) {
        if ((first & mask) != 0) {
          range(first, first | mask, from, to);
          range((first | mask) + 1, last, from, to);
          return;
        }
        if ((last & mask) != mask) {
          range(first, (last & ~mask) - 1, from, to);
          range(last & ~mask, last, from, to);
          return;
        }
      }
    }
    byte[] lows = Character.toString(first).getBytes(StandardCharsets.UTF_8);
    byte[] highs = Character.toString(last).getBytes(StandardCharsets.UTF_8);
    int at = from;
    for (int i = 0; i < lows.length; i++) {
      int next = i == lows.length - 1 ? to : newState();
      edge(at, next, lows[i] & 0xFF, highs[i] & 0xFF);
      at = next;
    }
  }

  private int repeat(Language.Repeat repeat, int from) {
    int at = from;
    for (int i = 0; i < repeat.min(); i++) {
      at = add(repeat.item(), at);
    }
    int end = newState();
    if (repeat.max() == Language.Repeat.UNBOUNDED) {
      int loop = newState();
      step(at, loop);
      step(add(repeat.item(), loop), loop);
      step(loop, end);
      return end;
    }
    for (int i = repeat.min(); i < repeat.max(); i++) {
      step(at, end);
      at = add(repeat.item(), at);
    }
    step(at, end);
    return end;
  }

  private int listed(Language.Listed listed, int from) {
    int end = newState();
    if (listed.min() == 0) {
      step(from, end);
    }
    if (listed.max() == 0) {
      return end;
    }
    int copies = Math.max(listed.max(), Math.max(listed.min(), 1));
    int at = newState();
    step(from, at);
    for (int i = 1; i <= copies; i++) {
      int done = add(listed.item(), at);
      if (i >= listed.min()) {
        step(done, end);
      }
      if (i < copies) {
        at = newState();
        edge(done, at, ',', ',');
      } else if (listed.max() == Language.Repeat.UNBOUNDED) {
        edge(done, at, ',', ',');
      }
    }
    return end;
  }

  /** Two lanes: one in which no member has come yet, one in which the next needs a comma. */
  private int members(Language.Members members, int from) {
    int none = newState();
    step(from, none);
    int some = newState();
    for (int i = 0; i < members.members().size(); i++) {
      int member = newState();
      if (none >= 0) {
        step(none, member);
      }
      edge(some, member, ',', ',');
      int done = add(members.members().get(i), member);
      int after = newState();
      step(done, after);
      if (members.required().get(i)) {
        none = -1;
      } else {
        step(some, after);
      }
      some = after;
    }
    int end = newState();
    step(some, end);
    if (none >= 0) {
      step(none, end);
    }
    return end;
  }

  private int embed(ByteAutomaton automaton, int from) {
    int first = states;
    for (int i = 0; i < automaton.size(); i++) {
      newState();
    }
    int end = newState();
    step(from, first);
    for (int state = 0; state < automaton.size(); state++) {
      for (int b = 0; b < 256; b++) {
        int to = automaton.next(state, b);
        int lowest = b;
        while (b < 255 && automaton.next(state, b + 1) == to) {
          b++;
        }
        if (to >= 0) {
          edge(first + state, first + to, lowest, b);
        }
      }
      if (automaton.accepting(state)) {
        step(first + state, end);
      }
    }
    return end;
  }

  private int newState() {
    if (states == MAX_STATES) {
      throw tooLarge();
    }
    if (states == firstEdge.length) {
      firstEdge = Arrays.copyOf(firstEdge, 2 * states);
    }
    firstEdge[states] = -1;
    return states++;
  }

  static EngineException tooLarge() {
    return new EngineException(
        ErrorCode.INVALID_OPTION,
        "the response format is too large; use smaller counts in maxLength, maxItems and {m,n}, or"
            + " leave them out (max-tokens bounds the text anyway)");
  }

  private void step(int from, int to) {
    edge(from, to, NO_BYTE, NO_BYTE);
  }

  private void edge(int from, int to, int lowest, int highest) {
    if (edges == target.length) {
      nextEdge = Arrays.copyOf(nextEdge, 2 * edges);
      low = Arrays.copyOf(low, 2 * edges);
      high = Arrays.copyOf(high, 2 * edges);
      target = Arrays.copyOf(target, 2 * edges);
    }
    low[edges] = lowest;
    high[edges] = highest;
    target[edges] = to;
    nextEdge[edges] = firstEdge[from];
    firstEdge[from] = edges++;
  }
}
