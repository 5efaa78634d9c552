package dev.nightjar.engine.tokenizer.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Computes the values of expressions. One per rendering. */
final class Evaluator {
  static final int MAX_ITEMS = 1_000_000;

  private final Budget budget;
  private final Filters filters;
  private final ValueTests tests;

  Evaluator(Budget budget) {
    this.budget = budget;
    this.tests = new ValueTests(budget);
    this.filters = new Filters(budget, this, tests);
  }

  Object evaluate(Expression expression, Scope scope) {
    budget.step(expression.line());
    return switch (expression) {
      case Expression.Literal literal -> literal.value();
      case Expression.Name name -> scope.get(name.name());
      case Expression.ListOf list -> evaluateAll(list.items(), scope);
      case Expression.DictOf dict -> dict(dict, scope);
      case Expression.Attribute attribute ->
          attribute(evaluate(attribute.target(), scope), attribute.name(), attribute.line());
      case Expression.Item item ->
          item(evaluate(item.target(), scope), evaluate(item.index(), scope), item.line());
      case Expression.Slice slice -> slice(slice, scope);
      case Expression.Call call -> call(call, scope);
      case Expression.Filter filter -> {
        Object target = evaluate(filter.target(), scope);
        Arguments arguments = arguments(filter.arguments(), scope, filter.line());
        yield filters.apply(filter.name(), target, arguments);
      }
      case Expression.Test test -> {
        Object target = evaluate(test.target(), scope);
        Arguments arguments = arguments(test.arguments(), scope, test.line());
        yield tests.holds(test.name(), target, arguments) != test.negated();
      }
      case Expression.Not not -> !Values.isTrue(evaluate(not.operand(), scope));
      case Expression.Negate negate -> {
        Number number = Values.number(evaluate(negate.operand(), scope), negate.line());
        yield number instanceof Long whole ? (Object) (-whole) : (Object) (-number.doubleValue());
      }
      case Expression.Arithmetic arithmetic -> {
        Object left = evaluate(arithmetic.left(), scope);
        Object right = evaluate(arithmetic.right(), scope);
        yield Arithmetics.apply(arithmetic.operator(), left, right, budget);
      }
      case Expression.Concat concat -> concat(concat, scope);
      case Expression.And and -> {
        Object left = evaluate(and.left(), scope);
        yield Values.isTrue(left) ? evaluate(and.right(), scope) : left;
      }
      case Expression.Or or -> {
        Object left = evaluate(or.left(), scope);
        yield Values.isTrue(left) ? left : evaluate(or.right(), scope);
      }
      case Expression.Comparison comparison -> compare(comparison, scope);
      case Expression.Conditional conditional -> {
        if (Values.isTrue(evaluate(conditional.condition(), scope))) {
          yield evaluate(conditional.then(), scope);
        }
        yield conditional.otherwise() == null
            ? new Undefined("the value of an if without else")
            : evaluate(conditional.otherwise(), scope);
      }
    };
  }

  private List<Object> evaluateAll(List<Expression> expressions, Scope scope) {
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(evaluate(expression, scope));
    }
    return values;
  }

  private Map<Object, Object> dict(Expression.DictOf dict, Scope scope) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (int i = 0; i < dict.keys().size(); i++) {
      map.put(key(evaluate(dict.keys().get(i), scope)), evaluate(dict.values().get(i), scope));
    }
    return map;
  }

  private Object key(Object key) {
    if (key instanceof String || key == null || Values.isNumber(key)) {
      return key;
    }
    throw budget.fault("the key of a dict is " + Values.typeName(key) + ", expected a string");
  }

  Arguments arguments(Expression.ArgumentList list, Scope scope, int line) {
    if (list == Expression.ArgumentList.NONE) {
      return new Arguments(List.of(), Map.of(), line);
    }
    Map<String, Object> named = new LinkedHashMap<>();
    List<Object> positional = evaluateAll(list.positional(), scope);
    for (Map.Entry<String, Expression> argument : list.named().entrySet()) {
      named.put(argument.getKey(), evaluate(argument.getValue(), scope));
    }
    return new Arguments(positional, named, line);
  }

  /** The value's attribute of this name; of a dict also the item. Methods are no values. */
  Object attribute(Object target, String name, int line) {
    return switch (target) {
      case Map<?, ?> map -> map.containsKey(name) ? map.get(name) : missing(target, name);
      case Namespace namespace ->
          namespace.attributes().containsKey(name)
              ? namespace.attributes().get(name)
              : missing(target, name);
      case LoopState loop -> loop.attribute(name, budget);
      case Macro macro when name.equals("name") -> macro.definition().name();
      case Undefined undefined ->
          throw TemplateFault.at(
              line, undefined.what() + " is undefined, it has no attribute \"" + name + "\"");
      case null, default -> missing(target, name);
    };
  }

  private static Undefined missing(Object target, String name) {
    return new Undefined("\"" + name + "\" of " + Values.typeName(target));
  }

  private Object item(Object target, Object index, int line) {
    if (index instanceof Boolean || index instanceof Long) {
      long number = Values.number(index, line).longValue();
      if (target instanceof List<?> list) {
        long at = number < 0 ? number + list.size() : number;
        return at >= 0 && at < list.size()
            ? list.get((int) at)
            : new Undefined("item " + number + " of a list of " + list.size());
      }
      if (target instanceof String text) {
        int[] points = Slices.codePoints(text, budget);
        long at = number < 0 ? number + points.length : number;
        return at >= 0 && at < points.length
            ? Character.toString(points[(int) at])
            : new Undefined("character " + number + " of a string of " + points.length);
      }
    }
    if (target instanceof Map<?, ?> map && !(index instanceof String)) {
      Object key = key(index);
      return map.containsKey(key) ? map.get(key) : missing(target, Values.text(index, budget));
    }
    if (index instanceof String name) {
      return attribute(target, name, line);
    }
    if (target instanceof Undefined undefined) {
      throw TemplateFault.at(line, undefined.what() + " is undefined, it has no items");
    }
    return missing(target, Values.text(index, budget));
  }

  private Object slice(Expression.Slice slice, Scope scope) {
    Object target = evaluate(slice.target(), scope);
    Long start = bound(slice.start(), scope);
    Long stop = bound(slice.stop(), scope);
    Long step = bound(slice.step(), scope);
    return Slices.of(target, start, stop, step, budget);
  }

  private Long bound(Expression expression, Scope scope) {
    Object value = expression == null ? null : evaluate(expression, scope);
    if (value == null || value instanceof Long) {
      return (Long) value;
    }
    throw budget.fault("a bound of a slice is " + Values.typeName(value) + ", expected an integer");
  }

  private Object call(Expression.Call call, Scope scope) {
    if (call.callee() instanceof Expression.Attribute method) {
      Object target = evaluate(method.target(), scope);
      Object found = attribute(target, method.name(), method.line());
      Arguments arguments = arguments(call.arguments(), scope, call.line());
      // As in Python a dict's methods come before its items.
      if (found instanceof Callable callable && !Methods.has(target, method.name())) {
        return callable.call(arguments);
      }
      return Methods.call(target, method.name(), arguments, budget);
    }
    Object callee = evaluate(call.callee(), scope);
    if (!(callee instanceof Callable callable)) {
      throw TemplateFault.at(call.line(), Values.typeName(callee) + " cannot be called");
    }
    return callable.call(arguments(call.arguments(), scope, call.line()));
  }

  private String concat(Expression.Concat concat, Scope scope) {
    StringBuilder text = new StringBuilder();
    for (Expression part : concat.parts()) {
      text.append(Values.text(evaluate(part, scope), budget));
      budget.checkLength(text.length());
    }
    budget.spendChars(text.length());
    return text.toString();
  }

  private boolean compare(Expression.Comparison comparison, Scope scope) {
    Object left = evaluate(comparison.first(), scope);
    for (int i = 0; i < comparison.operands().size(); i++) {
      Object right = evaluate(comparison.operands().get(i), scope);
      if (!compare(comparison.operators().get(i), left, right)) {
        return false;
      }
      left = right;
    }
    return true;
  }

  boolean compare(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> Values.areEqual(left, right, budget);
      case "!=" -> !Values.areEqual(left, right, budget);
      case "<" -> Values.compare(left, right, budget) < 0;
      case "<=" -> Values.compare(left, right, budget) <= 0;
      case ">" -> Values.compare(left, right, budget) > 0;
      case ">=" -> Values.compare(left, right, budget) >= 0;
      case "in" -> contains(right, left);
      case "not in" -> !contains(right, left);
      default -> throw new IllegalStateException(operator);
    };
  }

  boolean contains(Object container, Object item) {
    return switch (container) {
      case String text -> {
        if (!(item instanceof String part)) {
          throw budget.fault(
              "\"in\" a string needs a string on its left, found " + Values.typeName(item));
        }
        budget.spendChars(text.length());
        yield text.contains(part);
      }
      case List<?> list -> {
        for (Object element : list) {
          if (Values.areEqual(element, item, budget)) {
            yield true;
          }
        }
        yield false;
      }
      case Map<?, ?> map ->
          (item == null || item instanceof String || Values.isNumber(item))
              && map.containsKey(item);
      case Undefined _ -> false;
      case null, default ->
          throw budget.fault(
              "\"in\" needs a string, list or dict, found " + Values.typeName(container));
    };
  }

  /** What a for loop goes through: items of a list, keys of a dict, characters of a string. */
  List<Object> iterate(Object value) {
    return switch (value) {
      case List<?> list -> {
        budget.spend(1 + list.size() / 16);
        yield new ArrayList<>(list);
      }
      case Map<?, ?> map -> new ArrayList<>(map.keySet());
      case String text -> {
        budget.spend(text.length());
        List<Object> characters = new ArrayList<>();
        text.codePoints().forEach(c -> characters.add(Character.toString(c)));
        yield characters;
      }
      case Undefined _ -> List.of();
      case null, default -> throw budget.fault(Values.typeName(value) + " cannot be looped over");
    };
  }
}
