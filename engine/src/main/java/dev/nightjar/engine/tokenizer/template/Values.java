package dev.nightjar.engine.tokenizer.template;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/**
 * Python's view of the values templates work with: null (None), Boolean, Long, Double, String,
 * List, Map, {@link Undefined}, {@link Namespace}, {@link Callable}. Nothing else ever gets in.
 */
final class Values {
  private static final int MAX_SHOWN_DEPTH = 32;

  private Values() {}

  static boolean isTrue(Object value) {
    return switch (value) {
      case null -> false;
      case Boolean bool -> bool;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case String text -> !text.isEmpty();
      case List<?> list -> !list.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      case Undefined _ -> false;
      default -> true;
    };
  }

  static String typeName(Object value) {
    return switch (value) {
      case null -> "none";
      case Boolean _ -> "a boolean";
      case Long _ -> "an integer";
      case Double _ -> "a float";
      case String _ -> "a string";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "a dict";
      case Undefined undefined -> undefined.what() + ", which is undefined";
      case Namespace _ -> "a namespace";
      default -> "a function";
    };
  }

  /** Python's {@code str}. */
  static String text(Object value, Budget budget) {
    return switch (value) {
      case String text -> text;
      case Undefined _ -> "";
      case null, default -> {
        StringBuilder out = new StringBuilder();
        represent(value, out, 0, budget);
        yield out.toString();
      }
    };
  }

  private static void represent(Object value, StringBuilder out, int depth, Budget budget) {
    budget.spend(1);
    budget.checkLength(out.length());
    if (depth > MAX_SHOWN_DEPTH) {
      out.append("...");
      return;
    }
    switch (value) {
      case null -> out.append("None");
      case Boolean bool -> out.append(bool ? "True" : "False");
      case Long number -> out.append((long) number);
      case Double number -> out.append(text(number));
      case String text -> quote(text, out);
      case List<?> list -> {
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
          out.append(i == 0 ? "" : ", ");
          represent(list.get(i), out, depth + 1, budget);
        }
        out.append(']');
      }
      case Map<?, ?> map -> {
        out.append('{');
        String separator = "";
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          out.append(separator);
          represent(entry.getKey(), out, depth + 1, budget);
          out.append(": ");
          represent(entry.getValue(), out, depth + 1, budget);
          separator = ", ";
        }
        out.append('}');
      }
      case Undefined _ -> out.append("Undefined");
      default -> out.append('<').append(typeName(value)).append('>');
    }
  }

  private static void quote(String text, StringBuilder out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c == quote) {
            out.append('\\').append(c);
          } else if (c < ' ' || c == 127) {
            out.append("\\x%02x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append(quote);
  }

  /** Python's shortest representation of a float. */
  static String text(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    }
    double size = Math.abs(number);
    if (number == 0 || (size >= 1e-4 && size < 1e16)) {
      if (number == 0) {
        return 1 / number < 0 ? "-0.0" : "0.0";
      }
      String plain = new BigDecimal(Double.toString(number)).toPlainString();
      return plain.indexOf('.') >= 0 ? plain : plain + ".0";
    }
    String[] parts = Double.toString(number).split("E", 2);
    String digits =
        parts[0].endsWith(".0") ? parts[0].substring(0, parts[0].length() - 2) : parts[0];
    int exponent = Integer.parseInt(parts[1]);
    return digits + "e" + (exponent < 0 ? "-" : "+") + "%02d".formatted(Math.abs(exponent));
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  /** The number as a Long or Double; a boolean counts as 0 or 1. */
  static Number number(Object value, int line) {
    return switch (value) {
      case Boolean bool -> bool ? 1L : 0L;
      case Long number -> number;
      case Double number -> number;
      case null, default ->
          throw TemplateFault.at(line, "found " + typeName(value) + ", expected a number");
    };
  }

  /** Python's {@code ==}. */
  static boolean areEqual(Object left, Object right, Budget budget) {
    budget.spend(1);
    if (left == right) {
      return true;
    }
    if (left == null || right == null) {
      return false;
    }
    if (isNumber(left) && isNumber(right)) {
      Number a = number(left, 0);
      Number b = number(right, 0);
      return a instanceof Long && b instanceof Long
          ? a.longValue() == b.longValue()
          : a.doubleValue() == b.doubleValue();
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      boolean same = a.size() == b.size();
      for (int i = 0; same && i < a.size(); i++) {
        same = areEqual(a.get(i), b.get(i), budget);
      }
      return same;
    }
    if (left instanceof Map<?, ?> a && right instanceof Map<?, ?> b) {
      boolean same = a.size() == b.size();
      for (Map.Entry<?, ?> entry : a.entrySet()) {
        same =
            same
                && b.containsKey(entry.getKey())
                && areEqual(entry.getValue(), b.get(entry.getKey()), budget);
      }
      return same;
    }
    return left instanceof Undefined
        ? right instanceof Undefined
        : left instanceof String && left.equals(right);
  }

  /** Python's order of numbers, strings and lists; an error for what has none. */
  static int compare(Object left, Object right, Budget budget) {
    int line = budget.line();
    if (isNumber(left) && isNumber(right)) {
      Number a = number(left, line);
      Number b = number(right, line);
      return a instanceof Long && b instanceof Long
          ? Long.compare(a.longValue(), b.longValue())
          : Double.compare(a.doubleValue(), b.doubleValue());
    }
    if (left instanceof String a && right instanceof String b) {
      return compareCodePoints(a, b);
    }
    if (left instanceof List<?> a && right instanceof List<?> b) {
      for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
        if (!areEqual(a.get(i), b.get(i), budget)) {
          return compare(a.get(i), b.get(i), budget);
        }
      }
      return Integer.compare(a.size(), b.size());
    }
    throw TemplateFault.at(
        line, typeName(left) + " and " + typeName(right) + " cannot be compared");
  }

  private static int compareCodePoints(String a, String b) {
    int common = Math.min(a.length(), b.length());
    for (int i = 0; i < common; i++) {
      char x = a.charAt(i);
      char y = b.charAt(i);
      if (x != y) {
        boolean surrogates = Character.isSurrogate(x) != Character.isSurrogate(y);
        return surrogates ? (Character.isSurrogate(x) ? 1 : -1) : Character.compare(x, y);
      }
    }
    return Integer.compare(a.length(), b.length());
  }
}
