package dev.nightjar.engine.tokenizer.template;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What stands behind a bar. */
final class Filters {
  static final Set<String> NAMES =
      Set.of(
          "trim",
          "upper",
          "lower",
          "capitalize",
          "title",
          "length",
          "count",
          "tojson",
          "join",
          "default",
          "d",
          "first",
          "last",
          "list",
          "items",
          "dictsort",
          "select",
          "reject",
          "selectattr",
          "rejectattr",
          "map",
          "replace",
          "reverse",
          "sort",
          "unique",
          "string",
          "int",
          "float",
          "abs",
          "indent",
          "safe",
          "escape",
          "e",
          "round",
          "sum",
          "min",
          "max",
          "batch",
          "groupby",
          "attr",
          "wordcount",
          "truncate");

  private final Budget budget;
  private final Evaluator evaluator;
  private final ListFilters lists;

  Filters(Budget budget, Evaluator evaluator, ValueTests tests) {
    this.budget = budget;
    this.evaluator = evaluator;
    this.lists = new ListFilters(budget, evaluator, this, tests);
  }

  Object apply(String name, Object value, Arguments arguments) {
    budget.spend(1);
    return switch (name) {
      case "default", "d" -> {
        boolean missing =
            value instanceof Undefined
                || (arguments.flag(1, "boolean", false) && !Values.isTrue(value));
        yield missing ? arguments.get(0, "default_value", "") : value;
      }
      case "length", "count" -> length(value);
      case "tojson" -> json(value, arguments);
      case "items" ->
          switch (value) {
            case Map<?, ?> map -> Methods.items(map);
            case Undefined _ -> List.of();
            case null, default ->
                throw budget.fault("items found " + Values.typeName(value) + ", expected a dict");
          };
      case "string", "safe" -> Values.text(value, budget);
      case "int" -> integer(value, arguments);
      case "float" -> floating(value, arguments);
      case "abs" -> {
        Number number = Values.number(value, arguments.line());
        yield number instanceof Long whole
            ? (Object) Math.abs(whole)
            : (Object) Math.abs(number.doubleValue());
      }
      case "round" -> round(value, arguments);
      case "attr" -> evaluator.attribute(value, arguments.string(0, "name", ""), arguments.line());
      case "trim",
          "upper",
          "lower",
          "capitalize",
          "title",
          "replace",
          "indent",
          "escape",
          "e",
          "wordcount",
          "truncate" ->
          ofText(name, Values.text(value, budget), arguments);
      default -> {
        if (!NAMES.contains(name)) {
          throw TemplateFault.at(arguments.line(), "there is no filter \"" + name + "\"");
        }
        yield lists.apply(name, value, arguments);
      }
    };
  }

  private Object ofText(String name, String text, Arguments arguments) {
    budget.spendChars(text.length());
    return switch (name) {
      case "trim" -> Strings.strip(text, arguments.string(0, "chars", null), true, true);
      case "upper" -> Strings.upper(text);
      case "lower" -> Strings.lower(text);
      case "capitalize" -> Strings.capitalize(text);
      case "title" -> Strings.titleOfWords(text);
      case "replace" ->
          Strings.replace(
              text,
              Values.text(arguments.require(0, "old"), budget),
              Values.text(arguments.require(1, "new"), budget),
              arguments.get(2, "count", null) == null ? -1 : arguments.integer(2, "count", -1),
              budget);
      case "indent" -> indent(text, arguments);
      case "wordcount" -> (long) Strings.split(text, null, -1, budget).size();
      case "truncate" -> truncate(text, arguments);
      default -> escape(text);
    };
  }

  private Object length(Object value) {
    return switch (value) {
      case String text -> (long) text.codePointCount(0, text.length());
      case List<?> list -> (long) list.size();
      case Map<?, ?> map -> (long) map.size();
      case Undefined _ -> 0L;
      case null, default -> throw budget.fault(Values.typeName(value) + " has no length");
    };
  }

  private String json(Object value, Arguments arguments) {
    Object indent = arguments.get(0, "indent", null);
    Object separators = arguments.named().get("separators");
    String unit =
        switch (indent) {
          case null -> null;
          case String text when text.length() <= 64 -> text;
          case Long width when width >= 0 && width <= 64 -> " ".repeat(width.intValue());
          default -> throw budget.fault("tojson: indent is not in [0, 64]");
        };
    String itemSeparator = unit == null ? ", " : ",";
    String keySeparator = ": ";
    if (separators instanceof List<?> pair && pair.size() == 2) {
      itemSeparator = Values.text(pair.get(0), budget);
      keySeparator = Values.text(pair.get(1), budget);
    }
    boolean sorted = Values.isTrue(arguments.named().get("sort_keys"));
    return new JsonText(budget, unit, sorted, itemSeparator, keySeparator).write(value);
  }

  private Object integer(Object value, Arguments arguments) {
    Object fallback = arguments.get(0, "default", 0L);
    if (value instanceof String text) {
      String trimmed = Strings.strip(text, null, true, true);
      try {
        return trimmed.length() > 40 ? fallback : (Object) new BigDecimal(trimmed).longValue();
      } catch (NumberFormatException e) {
        return fallback;
      }
    }
    return Values.isNumber(value)
        ? (Object) Values.number(value, arguments.line()).longValue()
        : fallback;
  }

  private Object floating(Object value, Arguments arguments) {
    Object fallback = arguments.get(0, "default", 0.0);
    if (value instanceof String text) {
      try {
        return text.length() > 400 ? fallback : (Object) Double.parseDouble(text);
      } catch (NumberFormatException e) {
        return fallback;
      }
    }
    return Values.isNumber(value)
        ? (Object) Values.number(value, arguments.line()).doubleValue()
        : fallback;
  }

  private Object round(Object value, Arguments arguments) {
    double number = Values.number(value, arguments.line()).doubleValue();
    long precision = arguments.integer(0, "precision", 0);
    if (Math.abs(precision) > 300 || !Double.isFinite(number)) {
      return number;
    }
    RoundingMode mode =
        switch (arguments.string(1, "method", "common")) {
          case "common" -> RoundingMode.HALF_EVEN;
          case "ceil" -> RoundingMode.CEILING;
          case "floor" -> RoundingMode.FLOOR;
          default -> throw budget.fault("round: the method must be common, ceil or floor");
        };
    return new BigDecimal(number).setScale((int) precision, mode).doubleValue();
  }

  private String indent(String text, Arguments arguments) {
    Object width = arguments.get(0, "width", 4L);
    if (width instanceof Long n && (n < 0 || n > 1000)) {
      throw budget.fault("indent: the width is not in [0, 1000]");
    }
    String unit =
        width instanceof String s ? s : " ".repeat((int) arguments.integer(0, "width", 4));
    boolean first = arguments.flag(1, "first", false);
    boolean blank = arguments.flag(2, "blank", false);
    StringBuilder out = new StringBuilder();
    String[] lines = text.split("\n", -1);
    for (int i = 0; i < lines.length; i++) {
      out.append(i == 0 ? "" : "\n");
      if ((i > 0 || first) && (blank || !lines[i].isEmpty())) {
        budget.spendChars(unit.length());
        out.append(unit);
      }
      out.append(lines[i]);
      budget.checkLength(out.length());
    }
    return out.toString();
  }

  private String truncate(String text, Arguments arguments) {
    long length = arguments.integer(0, "length", 255);
    String end = arguments.string(2, "end", "...");
    int[] points = text.codePoints().toArray();
    long kept = Math.max(0, length - end.length());
    if (points.length <= length + arguments.integer(3, "leeway", 5)) {
      return text;
    }
    String cut = new String(points, 0, (int) Math.min(kept, points.length));
    int space = cut.lastIndexOf(' ');
    return (arguments.flag(1, "killwords", false) || space < 0 ? cut : cut.substring(0, space))
        + end;
  }

  private String escape(String text) {
    StringBuilder out = new StringBuilder(text.length());
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&#34;");
        case '\'' -> out.append("&#39;");
        default -> out.append(c);
      }
    }
    return out.toString();
  }
}
