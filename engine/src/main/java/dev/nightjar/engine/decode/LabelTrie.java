package dev.nightjar.engine.decode;

import java.util.Arrays;

/**
 * Token sequences by their common beginnings. Node 0 is the root; a node's token is scored by the
 * logits at its parent, so only nodes with children ever run. Immutable once built.
 */
final class LabelTrie {
  private static final int NONE = -1;

  private final int[] ends;
  private final int[] lengths;
  private int[] tokens = new int[16];
  private int[] parents = new int[16];
  private int[] firstChild = new int[16];
  private int[] lastChild = new int[16];
  private int[] nextSibling = new int[16];
  private int size;

  /** A trie of these token sequences, none of them empty. */
  LabelTrie(int[][] labels) {
    ends = new int[labels.length];
    lengths = new int[labels.length];
    append(NONE, NONE);
    for (int label = 0; label < labels.length; label++) {
      int node = 0;
      for (int token : labels[label]) {
        int child = child(node, token);
        node = child == NONE ? append(node, token) : child;
      }
      ends[label] = node;
      lengths[label] = labels[label].length;
    }
  }

  private int child(int node, int token) {
    int child = firstChild[node];
    while (child != NONE && tokens[child] != token) {
      child = nextSibling[child];
    }
    return child;
  }

  private int append(int parent, int token) {
    if (size == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * size);
      parents = Arrays.copyOf(parents, 2 * size);
      firstChild = Arrays.copyOf(firstChild, 2 * size);
      lastChild = Arrays.copyOf(lastChild, 2 * size);
      nextSibling = Arrays.copyOf(nextSibling, 2 * size);
    }
    tokens[size] = token;
    parents[size] = parent;
    firstChild[size] = NONE;
    lastChild[size] = NONE;
    nextSibling[size] = NONE;
    if (parent != NONE) {
      if (firstChild[parent] == NONE) {
        firstChild[parent] = size;
      } else {
        nextSibling[lastChild[parent]] = size;
      }
      lastChild[parent] = size;
    }
    return size++;
  }

  /** Number of nodes, the root included; parents come before their children. */
  int size() {
    return size;
  }

  int token(int node) {
    return tokens[node];
  }

  int parent(int node) {
    return parents[node];
  }

  /** The first child of a node, or -1. */
  int firstChild(int node) {
    return firstChild[node];
  }

  /** The next child of the same parent, or -1. */
  int nextSibling(int node) {
    return nextSibling[node];
  }

  /** Whether a node has children, and so must run. */
  boolean inner(int node) {
    return firstChild[node] != NONE;
  }

  /** Children of a node that have children themselves. */
  int innerChildren(int node) {
    int count = 0;
    for (int child = firstChild[node]; child != NONE; child = nextSibling[child]) {
      count += inner(child) ? 1 : 0;
    }
    return count;
  }

  /** Whether a node has one child only, and that one has children. */
  boolean goesOnAlone(int node) {
    int child = firstChild[node];
    return child != NONE && nextSibling[child] == NONE && inner(child);
  }

  /** Nodes with children, the root not counted. */
  int innerNodes() {
    int count = 0;
    for (int node = 1; node < size; node++) {
      count += inner(node) ? 1 : 0;
    }
    return count;
  }

  /** Number of labels. */
  int labels() {
    return ends.length;
  }

  /** The node where a label ends. */
  int end(int label) {
    return ends[label];
  }

  /** Tokens of a label. */
  int length(int label) {
    return lengths[label];
  }

  /** Tokens of the longest label. */
  int depth() {
    int depth = 0;
    for (int length : lengths) {
      depth = Math.max(depth, length);
    }
    return depth;
  }
}
