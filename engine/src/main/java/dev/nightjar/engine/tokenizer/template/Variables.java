package dev.nightjar.engine.tokenizer.template;

import java.util.List;
import java.util.Map;

/** Checks the variables a template is given. */
final class Variables {
  private Variables() {}

  /** Number of chars in all strings; refuses what templates must not see. */
  static long countChars(Object value) {
    long count = 1;
    switch (value) {
      case null -> {}
      case String text -> count = text.length();
      case Boolean _ -> {}
      case Long _ -> {}
      case Double _ -> {}
      case List<?> list -> {
        for (Object item : list) {
          count += countChars(item);
        }
      }
      case Map<?, ?> map -> {
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          count += countChars(entry.getKey()) + countChars(entry.getValue());
        }
      }
      default ->
          throw new IllegalArgumentException(
              "a template variable is a " + value.getClass().getName());
    }
    return count;
  }
}
