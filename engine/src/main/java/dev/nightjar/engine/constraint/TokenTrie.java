package dev.nightjar.engine.constraint;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The bytes of a vocabulary's tokens as a tree, whose nodes lie in preorder. Immutable and safe for
 * concurrent use.
 */
final class TokenTrie {
  private static final int MAX_LENGTH = 1024;

  /** By token; null for tokens that are no part of any text. */
  private final byte[][] tokens;

  private final byte[] label;

  /** {@code [nodes]} from 1 on. */
  private final short[] depth;

  /** {@code [nodes]} the node behind the last descendant. */
  private final int[] behind;

  /** {@code [nodes]} a token that ends here, or -1. */
  private final int[] token;

  /** By token: another one of the same bytes, or -1. */
  private final int[] twin;

  private final int deepest;

  /** Takes the bytes of each token; tokens with none are left out. */
  TokenTrie(byte[][] tokenBytes) {
    this.tokens = tokenBytes.clone();
    List<Integer> sorted = new ArrayList<>();
    int capacity = 0;
    for (int id = 0; id < tokens.length; id++) {
      int length = tokens[id] == null ? 0 : tokens[id].length;
      if (length == 0 || length > MAX_LENGTH) {
        tokens[id] = null;
      } else {
        sorted.add(id);
        capacity += length;
      }
    }
    sorted.sort((a, b) -> Arrays.compareUnsigned(tokens[a], tokens[b]));
    byte[] labels = new byte[capacity];
    short[] depths = new short[capacity];
    int[] ends = new int[capacity];
    this.twin = new int[tokens.length];
    Arrays.fill(twin, -1);
    int nodes = 0;
    int most = 0;
    byte[] last = {};
    for (int id : sorted) {
      byte[] bytes = tokens[id];
      int shared = Arrays.mismatch(last, bytes);
      for (int i = shared < 0 ? bytes.length : shared; i < bytes.length; i++) {
        labels[nodes] = bytes[i];
        depths[nodes] = (short) (i + 1);
        ends[nodes++] = -1;
      }
      twin[id] = ends[nodes - 1];
      ends[nodes - 1] = id;
      most = Math.max(most, bytes.length);
      last = bytes;
    }
    this.label = Arrays.copyOf(labels, nodes);
    this.depth = Arrays.copyOf(depths, nodes);
    this.token = Arrays.copyOf(ends, nodes);
    this.deepest = most;
    this.behind = new int[nodes];
    int[] next = new int[most + 2];
    Arrays.fill(next, nodes);
    for (int node = nodes - 1; node >= 0; node--) {
      behind[node] = next[depth[node]];
      Arrays.fill(next, depth[node], next.length, node);
    }
  }

  /** The bytes of a token. */
  byte[] bytes(int id) {
    return tokens[id];
  }

  /** {@code [256]}: whether the byte is a token by itself. */
  boolean[] singleBytes() {
    boolean[] single = new boolean[256];
    for (int node = 0; node < label.length; node = behind[node]) {
      single[label[node] & 0xFF] = token[node] >= 0;
    }
    return single;
  }

  /**
   * Marks the tokens that lead from a state to one whose distance is at most the limit.
   *
   * @param distance by state
   * @param marked a bit per token, added to
   * @return the least and the largest distance of a marked token, or the largest int and -1
   */
  Range mark(ByteAutomaton automaton, int state, int[] distance, int limit, long[] marked) {
    int[] path = new int[deepest + 1];
    path[0] = state;
    int nearest = Integer.MAX_VALUE;
    int farthest = -1;
    int node = 0;
    while (node < label.length) {
      int length = depth[node];
      int to = automaton.next(path[length - 1], label[node] & 0xFF);
      if (to == ByteAutomaton.DEAD) {
        node = behind[node];
        continue;
      }
      path[length] = to;
      if (token[node] >= 0 && distance[to] <= limit) {
        nearest = Math.min(nearest, distance[to]);
        farthest = Math.max(farthest, distance[to]);
        for (int id = token[node]; id >= 0; id = twin[id]) {
          marked[id >> 6] |= 1L << id;
        }
      }
      node++;
    }
    return new Range(nearest, farthest);
  }

  /** A stretch of distances. */
  record Range(int nearest, int farthest) {}

  /**
   * The least distance after one token from a state, of the tokens that follow a shortest way in
   * bytes.
   *
   * @param bytes shortest ways by state
   * @param distance by state, known where the way is shorter
   */
  int nearest(ByteAutomaton automaton, int state, int[] bytes, int[] distance) {
    int[] path = new int[deepest + 1];
    path[0] = state;
    int nearest = Integer.MAX_VALUE;
    int node = 0;
    while (node < label.length) {
      int length = depth[node];
      int to = automaton.next(path[length - 1], label[node] & 0xFF);
      if (to == ByteAutomaton.DEAD || bytes[to] != bytes[state] - length) {
        node = behind[node];
        continue;
      }
      path[length] = to;
      if (token[node] >= 0) {
        nearest = Math.min(nearest, distance[to]);
      }
      node++;
    }
    return nearest;
  }
}
