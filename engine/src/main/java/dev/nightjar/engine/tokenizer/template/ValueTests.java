package dev.nightjar.engine.tokenizer.template;

import java.util.List;
import java.util.Map;
import java.util.Set;

/** What stands behind {@code is}. */
final class ValueTests {
  private static final Set<String> NAMES =
      Set.of(
          "defined",
          "undefined",
          "none",
          "string",
          "mapping",
          "iterable",
          "sequence",
          "number",
          "integer",
          "float",
          "boolean",
          "true",
          "false",
          "callable",
          "odd",
          "even",
          "divisibleby",
          "equalto",
          "eq",
          "sameas",
          "ne",
          "lt",
          "lessthan",
          "le",
          "gt",
          "greaterthan",
          "ge",
          "in",
          "lower",
          "upper",
          "filter",
          "test");

  private final Budget budget;

  ValueTests(Budget budget) {
    this.budget = budget;
  }

  boolean holds(String name, Object value, Arguments arguments) {
    budget.spend(1);
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == null;
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map<?, ?>;
      case "iterable", "sequence" ->
          value instanceof List<?>
              || value instanceof Map<?, ?>
              || value instanceof String
              || value instanceof Undefined;
      case "number" -> Values.isNumber(value);
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "boolean" -> value instanceof Boolean;
      case "true" -> Boolean.TRUE.equals(value);
      case "false" -> Boolean.FALSE.equals(value);
      case "callable" -> value instanceof Callable;
      case "odd" -> remainder(value, 2) == 1;
      case "even" -> remainder(value, 2) == 0;
      case "divisibleby" -> remainder(value, arguments.integer(0, "num", 0)) == 0;
      case "lower" -> value instanceof String text && text.equals(Strings.lower(text));
      case "upper" -> value instanceof String text && text.equals(Strings.upper(text));
      case "filter" -> Filters.NAMES.contains(Values.text(value, budget));
      case "test" -> NAMES.contains(Values.text(value, budget));
      default -> compares(name, value, arguments);
    };
  }

  private boolean compares(String name, Object value, Arguments arguments) {
    if (!NAMES.contains(name)) {
      throw TemplateFault.at(arguments.line(), "there is no test \"" + name + "\"");
    }
    Object other = arguments.require(0, "other");
    return switch (name) {
      case "equalto", "eq" -> Values.areEqual(value, other, budget);
      case "sameas" ->
          value == other
              || (value instanceof Boolean && value.equals(other))
              || (value instanceof Long && value.equals(other));
      case "ne" -> !Values.areEqual(value, other, budget);
      case "lt", "lessthan" -> Values.compare(value, other, budget) < 0;
      case "le" -> Values.compare(value, other, budget) <= 0;
      case "gt", "greaterthan" -> Values.compare(value, other, budget) > 0;
      case "ge" -> Values.compare(value, other, budget) >= 0;
      case "in" -> new Evaluator(budget).contains(other, value);
      default -> throw new IllegalStateException(name);
    };
  }

  private long remainder(Object value, long divisor) {
    Number number = Values.number(value, budget.line());
    if (!(number instanceof Long whole) || divisor == 0) {
      throw budget.fault("found " + Values.typeName(value) + ", expected an integer");
    }
    return Math.floorMod(whole, divisor);
  }
}
