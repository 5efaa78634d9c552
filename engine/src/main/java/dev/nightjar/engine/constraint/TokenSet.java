package dev.nightjar.engine.constraint;

import java.util.Arrays;
import java.util.function.IntPredicate;

/** A non-empty set of tokens. Immutable and safe for concurrent use. */
public final class TokenSet implements IntPredicate {
  /** Ascending ids; null where the set is held as bits. */
  private final int[] ids;

  private final long[] bits;
  private final int count;
  private final int first;

  /** The tokens whose bits are set. */
  TokenSet(long[] marked) {
    int total = 0;
    for (long word : marked) {
      total += Long.bitCount(word);
    }
    this.count = total;
    this.first = nextBit(marked, 0);
    if (total > marked.length) {
      this.bits = marked.clone();
      this.ids = null;
      return;
    }
    this.bits = null;
    this.ids = new int[total];
    int id = -1;
    for (int i = 0; i < total; i++) {
      id = nextBit(marked, id + 1);
      ids[i] = id;
    }
  }

  private static int nextBit(long[] words, int from) {
    int index = from >> 6;
    if (index >= words.length) {
      return -1;
    }
    long word = words[index] & (-1L << from);
    while (word == 0) {
      if (++index == words.length) {
        return -1;
      }
      word = words[index];
    }
    return (index << 6) + Long.numberOfTrailingZeros(word);
  }

  /** Number of tokens. */
  public int count() {
    return count;
  }

  /** The lowest id. */
  public int first() {
    return first;
  }

  /** Whether a token is in the set. */
  @Override
  public boolean test(int id) {
    if (ids != null) {
      return Arrays.binarySearch(ids, id) >= 0;
    }
    return id >= 0 && id >> 6 < bits.length && (bits[id >> 6] & 1L << id) != 0;
  }

  /**
   * The token of the largest logit, the lower id among equals; NaN counts as negative infinity.
   *
   * @param logits by token, from {@code offset} on
   */
  public int argmax(float[] logits, int offset) {
    int best = first;
    float most = Float.NEGATIVE_INFINITY;
    if (ids != null) {
      for (int id : ids) {
        if (logits[offset + id] > most) {
          most = logits[offset + id];
          best = id;
        }
      }
      return best;
    }
    for (int index = 0; index < bits.length; index++) {
      for (long word = bits[index]; word != 0; word &= word - 1) {
        int id = (index << 6) + Long.numberOfTrailingZeros(word);
        if (logits[offset + id] > most) {
          most = logits[offset + id];
          best = id;
        }
      }
    }
    return best;
  }

  /** Sets the logits of all tokens that are not in the set to negative infinity. */
  public void forbidOthers(float[] logits, int vocabSize) {
    int at = 0;
    if (ids != null) {
      for (int id : ids) {
        Arrays.fill(logits, at, id, Float.NEGATIVE_INFINITY);
        at = id + 1;
      }
    } else {
      for (; at < Math.min(vocabSize, bits.length << 6); at++) {
        if ((bits[at >> 6] & 1L << at) == 0) {
          logits[at] = Float.NEGATIVE_INFINITY;
        }
      }
    }
    Arrays.fill(logits, Math.min(at, vocabSize), vocabSize, Float.NEGATIVE_INFINITY);
  }

  /** Bytes of memory. */
  long byteSize() {
    return ids != null ? 4L * ids.length : 8L * bits.length;
  }
}
