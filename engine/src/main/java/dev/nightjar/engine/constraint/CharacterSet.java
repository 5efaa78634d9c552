package dev.nightjar.engine.constraint;

import java.util.Arrays;

/** A set of Unicode characters, without surrogates, which UTF-8 cannot hold. Immutable. */
final class CharacterSet {
  static final CharacterSet NONE = new CharacterSet(new int[0]);
  static final CharacterSet ALL = of(0, Character.MAX_CODE_POINT);

  /** First and last character of each range; ranges are ascending and do not touch. */
  private final int[] bounds;

  private CharacterSet(int[] bounds) {
    this.bounds = bounds;
  }

  /** The characters from {@code first} to {@code last}, both included. */
  static CharacterSet of(int first, int last) {
    if (last < Character.MIN_SURROGATE || first > Character.MAX_SURROGATE) {
      return new CharacterSet(new int[] {first, last});
    }
    CharacterSet below =
        first < Character.MIN_SURROGATE
            ? new CharacterSet(new int[] {first, Character.MIN_SURROGATE - 1})
            : NONE;
    return last > Character.MAX_SURROGATE
        ? below.plus(new CharacterSet(new int[] {Character.MAX_SURROGATE + 1, last}))
        : below;
  }

  /** The characters of a text. */
  static CharacterSet of(String characters) {
    CharacterSet set = NONE;
    for (int c : characters.codePoints().toArray()) {
      set = set.plus(of(c, c));
    }
    return set;
  }

  /** The characters from the first bound to the second, the third to the fourth, and so on. */
  static CharacterSet ofRanges(int[] bounds, int count) {
    return new CharacterSet(Arrays.copyOf(bounds, count));
  }

  /** Number of ranges. */
  int ranges() {
    return bounds.length / 2;
  }

  int first(int range) {
    return bounds[2 * range];
  }

  int last(int range) {
    return bounds[2 * range + 1];
  }

  boolean isEmpty() {
    return bounds.length == 0;
  }

  boolean contains(int character) {
    for (int i = 0; i < bounds.length && bounds[i] <= character; i += 2) {
      if (character <= bounds[i + 1]) {
        return true;
      }
    }
    return false;
  }

  /** The characters of either set. */
  CharacterSet plus(CharacterSet other) {
    int[] merged = new int[bounds.length + other.bounds.length];
    int count = 0;
    int i = 0;
    int j = 0;
    while (i < bounds.length || j < other.bounds.length) {
      boolean mine =
          j == other.bounds.length || (i < bounds.length && bounds[i] <= other.bounds[j]);
      int first = mine ? bounds[i] : other.bounds[j];
      int last = mine ? bounds[i + 1] : other.bounds[j + 1];
      i += mine ? 2 : 0;
      j += mine ? 0 : 2;
      if (count > 0 && first <= merged[count - 1] + 1) {
        merged[count - 1] = Math.max(merged[count - 1], last);
      } else {
        merged[count++] = first;
        merged[count++] = last;
      }
    }
    return ofRanges(merged, count);
  }

  /** All other characters. */
  CharacterSet complement() {
    CharacterSet rest = NONE;
    int next = 0;
    for (int i = 0; i < bounds.length; i += 2) {
      if (bounds[i] > next) {
        rest = rest.plus(of(next, bounds[i] - 1));
      }
      next = bounds[i + 1] + 1;
    }
    return next <= Character.MAX_CODE_POINT ? rest.plus(of(next, Character.MAX_CODE_POINT)) : rest;
  }

  /** The characters that are not in the other set. */
  CharacterSet minus(CharacterSet other) {
    return complement().plus(other).complement();
  }

  @Override
  public String toString() {
    StringBuilder out = new StringBuilder("[");
    for (int i = 0; i < bounds.length; i += 2) {
      out.append("%x-%x ".formatted(bounds[i], bounds[i + 1]));
    }
    return out.append(']').toString();
  }
}
