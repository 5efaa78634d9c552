package dev.nightjar.engine.tokenizer.template;

import java.util.ArrayList;
import java.util.List;

/** Python's arithmetic on numbers, strings and lists. */
final class Arithmetics {
  private Arithmetics() {}

  static Object apply(String operator, Object left, Object right, Budget budget) {
    if (Values.isNumber(left) && Values.isNumber(right)) {
      Number a = Values.number(left, budget.line());
      Number b = Values.number(right, budget.line());
      if (a instanceof Long x && b instanceof Long y && !operator.equals("/")) {
        return integers(operator, x, y, budget);
      }
      return floats(operator, a.doubleValue(), b.doubleValue(), budget);
    }
    if (operator.equals("+")) {
      if (left instanceof String a && right instanceof String b) {
        budget.spendChars((long) a.length() + b.length());
        return a + b;
      }
      if (left instanceof List<?> a && right instanceof List<?> b) {
        return joined(a, b, budget);
      }
    }
    if (operator.equals("*")) {
      if (left instanceof Long count && (right instanceof String || right instanceof List<?>)) {
        return repeated(right, count, budget);
      }
      if (right instanceof Long count && (left instanceof String || left instanceof List<?>)) {
        return repeated(left, count, budget);
      }
    }
    throw budget.fault(
        "\"%s\" does not work between %s and %s"
            .formatted(operator, Values.typeName(left), Values.typeName(right)));
  }

  private static Object integers(String operator, long a, long b, Budget budget) {
    try {
      return switch (operator) {
        case "+" -> Math.addExact(a, b);
        case "-" -> Math.subtractExact(a, b);
        case "*" -> Math.multiplyExact(a, b);
        case "//" -> Math.floorDiv(a, b);
        case "%" -> Math.floorMod(a, b);
        case "**" -> power(a, b);
        default -> throw new IllegalStateException(operator);
      };
    } catch (ArithmeticException e) {
      throw budget.fault(a + " " + operator + " " + b + " divides by zero or is too large");
    }
  }

  private static Object power(long base, long exponent) {
    if (exponent < 0) {
      return Math.pow(base, exponent);
    }
    long result = 1;
    if (base == 0 || base == 1 || base == -1) {
      return exponent == 0 ? 1L : base == -1 && exponent % 2 == 0 ? 1L : base;
    }
    for (long i = 0; i < exponent; i++) {
      result = Math.multiplyExact(result, base); // overflows within 63 rounds
    }
    return result;
  }

  private static Object floats(String operator, double a, double b, Budget budget) {
    boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
    if (divides && b == 0) {
      throw budget.fault("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - Math.floor(a / b) * b;
      case "**" -> Math.pow(a, b);
      default -> throw new IllegalStateException(operator);
    };
  }

  private static List<Object> joined(List<?> a, List<?> b, Budget budget) {
    checkSize((long) a.size() + b.size(), budget);
    List<Object> all = new ArrayList<>(a.size() + b.size());
    all.addAll(a);
    all.addAll(b);
    return all;
  }

  private static Object repeated(Object what, long count, Budget budget) {
    long times = Math.max(0, Math.min(count, Integer.MAX_VALUE));
    if (what instanceof String text) {
      budget.spendChars(text.length() * times);
      return text.repeat((int) times);
    }
    List<?> list = (List<?>) what;
    checkSize(list.size() * times, budget);
    List<Object> all = new ArrayList<>();
    for (int i = 0; i < times && !list.isEmpty(); i++) {
      all.addAll(list);
    }
    return all;
  }

  private static void checkSize(long size, Budget budget) {
    if (size > Evaluator.MAX_ITEMS) {
      throw budget.fault("a list has more than " + Evaluator.MAX_ITEMS + " items");
    }
    budget.spend(size / 16);
  }
}
