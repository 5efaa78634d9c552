package dev.nightjar.engine.constraint;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/**
 * A deterministic automaton over UTF-8 bytes; from each of its states an accepting one can be
 * reached, and state 0 is the start. Immutable.
 */
final class ByteAutomaton {
  /** Where no text goes on. */
  static final int DEAD = -1;

  /** {@code [256]}: bytes of the same class lead to the same states. */
  private final byte[] classOf;

  private final int numClasses;

  /** {@code [states, classes]}. */
  private final int[] next;

  private final BitSet accepting;

  /** Takes tables as a subset construction leaves them and removes states that lead nowhere. */
  ByteAutomaton(byte[] classOf, int numClasses, int[] next, BitSet accepting) {
    this.classOf = classOf;
    this.numClasses = numClasses;
    int states = next.length / numClasses;
    boolean[] all = new boolean[numClasses];
    Arrays.fill(all, true);
    int[] distances = distances(next, all, accepting);
    int[] renumbered = new int[states];
    int kept = 0;
    for (int state = 0; state < states; state++) {
      boolean useful = state == 0 || distances[state] != Integer.MAX_VALUE;
      renumbered[state] = useful ? kept++ : DEAD;
    }
    this.next = new int[kept * numClasses];
    this.accepting = new BitSet(kept);
    for (int state = 0; state < states; state++) {
      if (renumbered[state] != DEAD) {
        this.accepting.set(renumbered[state], accepting.get(state));
        for (int c = 0; c < numClasses; c++) {
          int to = next[state * numClasses + c];
          this.next[renumbered[state] * numClasses + c] = to == DEAD ? DEAD : renumbered[to];
        }
      }
    }
  }

  /** The automaton of a language. */
  static ByteAutomaton of(Language language) {
    NfaBuilder nfa = new NfaBuilder();
    int end = nfa.addAll(language);
    return new SubsetConstruction(nfa, end).run();
  }

  /** The automaton of the texts that both accept. */
  static ByteAutomaton intersection(ByteAutomaton one, ByteAutomaton other) {
    byte[] classes = new byte[256];
    Map<Integer, Integer> pairs = new HashMap<>();
    for (int b = 0; b < 256; b++) {
      int pair = one.classOf(b) * 256 + other.classOf(b);
      classes[b] = (byte) (int) pairs.computeIfAbsent(pair, unused -> pairs.size());
    }
    int count = pairs.size();
    Map<Long, Integer> ids = new HashMap<>();
    ArrayDeque<Long> open = new ArrayDeque<>();
    BitSet accepts = new BitSet();
    int[] table = new int[16 * count];
    ids.put(0L, 0);
    open.add(0L);
    int state = 0;
    while (!open.isEmpty()) {
      long pair = open.remove();
      int first = (int) (pair >>> 32);
      int second = (int) pair;
      accepts.set(state, one.accepting(first) && other.accepting(second));
      if (table.length < (state + 1) * count) {
        table = Arrays.copyOf(table, 2 * table.length);
      }
      for (int b = 0; b < 256; b++) {
        int left = one.next(first, b);
        int right = other.next(second, b);
        int to = DEAD;
        if (left != DEAD && right != DEAD) {
          long key = (long) left << 32 | right;
          Integer known = ids.get(key);
          to = known == null ? ids.size() : known;
          if (known == null) {
            if ((to + 1L) * count > SubsetConstruction.MAX_ENTRIES) {
              throw NfaBuilder.tooLarge();
            }
            ids.put(key, to);
            open.add(key);
          }
        }
        table[state * count + (classes[b] & 0xFF)] = to;
      }
      state++;
    }
    return new ByteAutomaton(classes, count, Arrays.copyOf(table, state * count), accepts);
  }

  /**
   * The least number of bytes from each state to an accepting one, or the largest int.
   *
   * @param usable {@code [256]}: the bytes that may be used
   */
  int[] distances(boolean[] usable) {
    boolean[] usableClasses = new boolean[numClasses];
    for (int b = 0; b < 256; b++) {
      usableClasses[classOf(b)] |= usable[b];
    }
    return distances(next, usableClasses, accepting);
  }

  private static int[] distances(int[] next, boolean[] usable, BitSet accepting) {
    int states = next.length / usable.length;
    int[] first = new int[states];
    int[] following = new int[next.length];
    Arrays.fill(first, -1);
    for (int edge = 0; edge < next.length; edge++) {
      if (next[edge] != DEAD && usable[edge % usable.length]) {
        following[edge] = first[next[edge]];
        first[next[edge]] = edge;
      }
    }
    int[] distances = new int[states];
    Arrays.fill(distances, Integer.MAX_VALUE);
    int[] queue = new int[states];
    int size = 0;
    for (int state = accepting.nextSetBit(0); state >= 0; state = accepting.nextSetBit(state + 1)) {
      distances[state] = 0;
      queue[size++] = state;
    }
    for (int i = 0; i < size; i++) {
      for (int edge = first[queue[i]]; edge >= 0; edge = following[edge]) {
        int from = edge / usable.length;
        if (distances[from] == Integer.MAX_VALUE) {
          distances[from] = distances[queue[i]] + 1;
          queue[size++] = from;
        }
      }
    }
    return distances;
  }

  /** Bytes of memory. */
  long byteSize() {
    return 4L * next.length;
  }

  /** Number of states. */
  int size() {
    return next.length / numClasses;
  }

  private int classOf(int unsignedByte) {
    return classOf[unsignedByte] & 0xFF;
  }

  /** Where a byte leads, or {@link #DEAD}. */
  int next(int state, int unsignedByte) {
    return next[state * numClasses + (classOf[unsignedByte] & 0xFF)];
  }

  /** Where bytes lead, or {@link #DEAD}. */
  int next(int state, byte[] bytes) {
    int at = state;
    for (int i = 0; i < bytes.length && at != DEAD; i++) {
      at = next(at, bytes[i] & 0xFF);
    }
    return at;
  }

  /** Whether a text may end here. */
  boolean accepting(int state) {
    return accepting.get(state);
  }

  /** Whether any text is accepted. */
  boolean acceptsNothing() {
    return !accepting.get(0) && ends(0);
  }

  /** Whether no text goes on here. */
  boolean ends(int state) {
    for (int i = state * numClasses; i < (state + 1) * numClasses; i++) {
      if (next[i] != DEAD) {
        return false;
      }
    }
    return true;
  }
}
