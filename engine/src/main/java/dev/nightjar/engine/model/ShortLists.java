package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.PackedMatrix;
import dev.nightjar.engine.kernel.RowSelection;
import java.util.Arrays;
import java.util.function.IntPredicate;

/**
 * What is left of the vocabulary after a token's first probe (dynamic vocabulary pruning, Vincenti
 * et al. 2024): per slot the likeliest tokens and their rows of the head. Grown to the largest step
 * and then reused. Confined to one thread.
 */
final class ShortLists {
  private int[] listOf = new int[0];
  private int[] ids = new int[0];
  private RowSelection[] heads = new RowSelection[0];
  private float[] values = new float[0];
  private int size;
  private int lists;

  /** Forgets all lists; those made from now on have {@code size} tokens. */
  void clear(int slots, int size) {
    if (this.size != size) {
      this.size = size;
      ids = new int[0];
      heads = new RowSelection[0];
      values = new float[size];
    }
    if (listOf.length < slots) {
      listOf = new int[slots];
    }
    lists = 0;
  }

  /** Tokens of a list. */
  int size() {
    return size;
  }

  /**
   * Makes a slot's list of the tokens with the largest logits, the lower id first among equals; NaN
   * counts as negative infinity.
   */
  void choose(int slot, float[] logits, int offset, int vocabSize, PackedMatrix head) {
    int list = lists++;
    listOf[slot] = list;
    if (list == heads.length) {
      heads = Arrays.copyOf(heads, Math.max(4, 2 * list));
      ids = Arrays.copyOf(ids, heads.length * size);
    }
    if (heads[list] == null) {
      heads[list] = new RowSelection(size, head.columns());
    }
    int first = list * size;
    for (int id = 0; id < size; id++) {
      values[id] = number(logits[offset + id]);
      ids[first + id] = id;
    }
    for (int i = size / 2 - 1; i >= 0; i--) {
      sink(first, i);
    }
    for (int id = size; id < vocabSize; id++) {
      if (logits[offset + id] > values[0]) {
        values[0] = logits[offset + id];
        ids[first] = id;
        sink(first, 0);
      }
    }
    Arrays.sort(ids, first, first + size);
    heads[list].select(head, ids, first);
  }

  private static float number(float x) {
    return Float.isNaN(x) ? Float.NEGATIVE_INFINITY : x;
  }

  /** Restores the heap whose root is the token that would be dropped first. */
  private void sink(int first, int root) {
    float value = values[root];
    int id = ids[first + root];
    int i = root;
    while (2 * i + 1 < size) {
      int child = 2 * i + 1;
      if (child + 1 < size && worse(first, child + 1, values[child], ids[first + child])) {
        child++;
      }
      if (!worse(first, child, value, id)) {
        break;
      }
      values[i] = values[child];
      ids[first + i] = ids[first + child];
      i = child;
    }
    values[i] = value;
    ids[first + i] = id;
  }

  /** Whether the heap's entry is dropped before the one given. */
  private boolean worse(int first, int entry, float value, int id) {
    return values[entry] < value || (values[entry] == value && ids[first + entry] > id);
  }

  /** Whether a slot's list has any of these tokens. */
  boolean holdsAny(int slot, IntPredicate tokens) {
    int first = listOf[slot] * size;
    for (int i = first; i < first + size; i++) {
      if (tokens.test(ids[i])) {
        return true;
      }
    }
    return false;
  }

  /** The head's rows of a slot's list. */
  PackedMatrix head(int slot) {
    return heads[listOf[slot]].matrix();
  }

  /**
   * Writes the logits of a slot's list into a row over the whole vocabulary, negative infinity
   * elsewhere.
   *
   * @param listed {@code [size]} from {@code from} on
   */
  void spread(int slot, float[] listed, int from, float[] out, int to, int vocabSize) {
    Arrays.fill(out, to, to + vocabSize, Float.NEGATIVE_INFINITY);
    int first = listOf[slot] * size;
    for (int i = 0; i < size; i++) {
      out[to + ids[first + i]] = listed[from + i];
    }
  }
}
