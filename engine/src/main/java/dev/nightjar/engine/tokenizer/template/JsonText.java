package dev.nightjar.engine.tokenizer.template;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes values as JSON the way Python's json.dumps does without ensure_ascii. */
final class JsonText {
  private static final int MAX_DEPTH = 100;

  private final StringBuilder out = new StringBuilder();
  private final Budget budget;
  private final String indent;
  private final boolean sortKeys;
  private final String itemSeparator;
  private final String keySeparator;

  /**
   * Prepares to write.
   *
   * @param indent what a level is indented by, or null for a single line
   */
  JsonText(
      Budget budget, String indent, boolean sortKeys, String itemSeparator, String keySeparator) {
    this.budget = budget;
    this.indent = indent;
    this.sortKeys = sortKeys;
    this.itemSeparator = itemSeparator;
    this.keySeparator = keySeparator;
  }

  String write(Object value) {
    write(value, 0);
    return out.toString();
  }

  private void write(Object value, int depth) {
    budget.spend(1);
    budget.checkLength(out.length());
    if (depth > MAX_DEPTH) {
      throw budget.fault("tojson: values are nested more than " + MAX_DEPTH + " deep");
    }
    switch (value) {
      case null -> out.append("null");
      case Boolean bool -> out.append(bool ? "true" : "false");
      case Long number -> out.append((long) number);
      case Double number -> out.append(floatText(number));
      case String text -> quote(text);
      case List<?> list -> {
        out.append('[');
        boolean first = true;
        for (Object item : list) {
          separate(first, depth + 1);
          first = false;
          write(item, depth + 1);
        }
        close(first, depth, ']');
      }
      case Map<?, ?> map -> writeMap(map, depth);
      default ->
          throw budget.fault("tojson: found " + Values.typeName(value) + ", expected plain values");
    }
  }

  private void writeMap(Map<?, ?> map, int depth) {
    out.append('{');
    boolean first = true;
    Map<?, ?> entries = map;
    if (sortKeys) {
      Map<String, Object> sorted = new TreeMap<>();
      map.forEach((key, item) -> sorted.put(Values.text(key, budget), item));
      entries = sorted;
    }
    for (Map.Entry<?, ?> entry : entries.entrySet()) {
      separate(first, depth + 1);
      first = false;
      quote(keyText(entry.getKey()));
      out.append(keySeparator);
      write(entry.getValue(), depth + 1);
    }
    close(first, depth, '}');
  }

  private String keyText(Object key) {
    return switch (key) {
      case null -> "null";
      case Boolean bool -> bool ? "true" : "false";
      default -> Values.text(key, budget);
    };
  }

  private void separate(boolean first, int depth) {
    if (!first) {
      out.append(itemSeparator);
    }
    if (indent != null) {
      out.append('\n').append(indent.repeat(depth));
    }
  }

  private void close(boolean empty, int depth, char bracket) {
    if (!empty && indent != null) {
      out.append('\n').append(indent.repeat(depth));
    }
    out.append(bracket);
  }

  private static String floatText(double number) {
    if (Double.isNaN(number)) {
      return "NaN";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "Infinity" : "-Infinity";
    }
    return Values.text(number);
  }

  private void quote(String text) {
    budget.spendChars(text.length());
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < ' ') {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
