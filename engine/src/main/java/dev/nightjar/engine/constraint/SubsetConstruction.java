package dev.nightjar.engine.constraint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Makes a nondeterministic automaton deterministic, within bounds. Used once. */
final class SubsetConstruction {
  /** Most entries of a table by states and classes of bytes. */
  static final int MAX_ENTRIES = 16 << 20;

  private static final long MAX_WORK = 200_000_000;

  private final NfaBuilder nfa;
  private final int end;
  private final byte[] classOf = new byte[256];
  private final int numClasses;
  private final Map<States, Integer> ids = new HashMap<>();
  private final List<int[]> sets = new ArrayList<>();
  private final BitSet accepting = new BitSet();

  /** The round in which a state was last reached. */
  private final int[] reached;

  private int round;
  private int[] stack = new int[64];
  private int[] members = new int[64];
  private long work;

  /** A set of states as a key. */
  private record States(int[] ascending, int hash) {
    @Override
    public boolean equals(Object other) {
      return other instanceof States(int[] others, int otherHash)
          && hash == otherHash
          && Arrays.equals(ascending, others);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  SubsetConstruction(NfaBuilder nfa, int end) {
    this.nfa = nfa;
    this.end = end;
    this.reached = new int[nfa.states];
    this.numClasses = classes();
  }

  /** Numbers the stretches of bytes that no edge tells apart. */
  private int classes() {
    boolean[] starts = new boolean[257];
    for (int state = 0; state < nfa.states; state++) {
      for (int edge = nfa.firstEdge[state]; edge >= 0; edge = nfa.nextEdge[edge]) {
        if (nfa.low[edge] != NfaBuilder.NO_BYTE) {
          starts[nfa.low[edge]] = true;
          starts[nfa.high[edge] + 1] = true;
        }
      }
    }
    int last = 0;
    for (int b = 1; b < 256; b++) {
      last += starts[b] ? 1 : 0;
      classOf[b] = (byte) last;
    }
    return last + 1;
  }

  ByteAutomaton run() {
    int[][] targets = new int[numClasses][8];
    int[] counts = new int[numClasses];
    int[] next = new int[64 * numClasses];
    find(new int[] {0}, 1);
    for (int state = 0; state < sets.size(); state++) {
      if (next.length < (state + 1) * numClasses) {
        next = Arrays.copyOf(next, 2 * next.length);
      }
      Arrays.fill(counts, 0);
      for (int member : sets.get(state)) {
        for (int edge = nfa.firstEdge[member]; edge >= 0; edge = nfa.nextEdge[edge]) {
          if (nfa.low[edge] != NfaBuilder.NO_BYTE) {
            int highest = classOf[nfa.high[edge]] & 0xFF;
            for (int c = classOf[nfa.low[edge]] & 0xFF; c <= highest; c++) {
              if (counts[c] == targets[c].length) {
                targets[c] = Arrays.copyOf(targets[c], 2 * counts[c]);
              }
              targets[c][counts[c]++] = nfa.target[edge];
            }
          }
        }
      }
      for (int c = 0; c < numClasses; c++) {
        boolean same = c > 0 && counts[c] == counts[c - 1] && sameTargets(targets, c, counts[c]);
        int to = ByteAutomaton.DEAD;
        if (same) {
          to = next[state * numClasses + c - 1];
        } else if (counts[c] > 0) {
          to = find(targets[c], counts[c]);
        }
        next[state * numClasses + c] = to;
      }
    }
    return new ByteAutomaton(
        classOf, numClasses, Arrays.copyOf(next, sets.size() * numClasses), accepting);
  }

  private static boolean sameTargets(int[][] targets, int c, int count) {
    return Arrays.equals(targets[c], 0, count, targets[c - 1], 0, count);
  }

  /** The number of the set that these states and all reached from them without a byte make up. */
  private int find(int[] states, int count) {
    round++;
    int open = 0;
    int found = 0;
    boolean accepts = false;
    for (int i = 0; i < count; i++) {
      open = reach(states[i], open);
    }
    while (open > 0) {
      int state = stack[--open];
      accepts |= state == end;
      boolean waits = false;
      for (int edge = nfa.firstEdge[state]; edge >= 0; edge = nfa.nextEdge[edge]) {
        work++;
        if (nfa.low[edge] == NfaBuilder.NO_BYTE) {
          open = reach(nfa.target[edge], open);
        } else {
          waits = true;
        }
      }
      if (waits) {
        if (found == members.length) {
          members = Arrays.copyOf(members, 2 * found);
        }
        members[found++] = state;
      }
    }
    int[] set = Arrays.copyOf(members, found + 1);
    set[found] = accepts ? nfa.states : -1;
    Arrays.sort(set);
    return number(set, accepts);
  }

  private int reach(int state, int open) {
    if (reached[state] == round) {
      return open;
    }
    reached[state] = round;
    if (open == stack.length) {
      stack = Arrays.copyOf(stack, 2 * open);
    }
    stack[open] = state;
    return open + 1;
  }

  /** Numbers a set; one of its entries only says whether it accepts. */
  private int number(int[] set, boolean accepts) {
    States key = new States(set, Arrays.hashCode(set));
    Integer known = ids.get(key);
    if (known != null) {
      return known;
    }
    int id = sets.size();
    if ((id + 1L) * numClasses > MAX_ENTRIES || work > MAX_WORK) {
      throw NfaBuilder.tooLarge();
    }
    ids.put(key, id);
    sets.add(accepts ? Arrays.copyOf(set, set.length - 1) : Arrays.copyOfRange(set, 1, set.length));
    accepting.set(id, accepts);
    return id;
  }
}
