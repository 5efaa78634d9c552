package dev.nightjar.engine.tokenizer.template;

import java.util.ArrayList;
import java.util.List;

/** Python's {@code target[start:stop:step]}. */
final class Slices {
  private Slices() {}

  /** Bounds that were left out are null. */
  static Object of(Object target, Long start, Long stop, Long step, Budget budget) {
    long stride = step == null ? 1 : step;
    if (stride == 0) {
      throw budget.fault("the step of a slice is 0");
    }
    switch (target) {
      case List<?> list -> {
        List<Object> items = new ArrayList<>();
        for (int index : indexes(list.size(), start, stop, stride, budget)) {
          items.add(list.get(index));
        }
        return items;
      }
      case String text -> {
        int[] points = codePoints(text, budget);
        StringBuilder slice = new StringBuilder();
        for (int index : indexes(points.length, start, stop, stride, budget)) {
          slice.appendCodePoint(points[index]);
        }
        return slice.toString();
      }
      case null, default -> throw budget.fault(Values.typeName(target) + " cannot be sliced");
    }
  }

  /** The text's characters, paid for. */
  static int[] codePoints(String text, Budget budget) {
    budget.spendChars(text.length());
    return text.codePoints().toArray();
  }

  private static int[] indexes(int size, Long start, Long stop, long stride, Budget budget) {
    long from;
    long to;
    if (stride > 0) {
      from = start == null ? 0 : clamp(start, size, 0, size);
      to = stop == null ? size : clamp(stop, size, 0, size);
    } else {
      from = start == null ? size - 1L : clamp(start, size, -1, size - 1);
      to = stop == null ? -1 : clamp(stop, size, -1, size - 1);
    }
    long distance = stride > 0 ? to - from : from - to;
    // Negating the smallest long would overflow; any stride beyond the size picks one item.
    long width = Math.min(stride == Long.MIN_VALUE ? Long.MAX_VALUE : Math.abs(stride), 1L << 31);
    int count = distance <= 0 ? 0 : (int) ((distance + width - 1) / width);
    budget.spend(count / 16);
    int[] indexes = new int[count];
    for (int i = 0; i < count; i++) {
      indexes[i] = (int) (stride > 0 ? from + i * width : from - i * width);
    }
    return indexes;
  }

  private static long clamp(long bound, int size, long low, long high) {
    long fromStart = bound < 0 ? Math.max(bound, -1L - size) + size : bound;
    return Math.max(low, Math.min(high, fromStart));
  }
}
