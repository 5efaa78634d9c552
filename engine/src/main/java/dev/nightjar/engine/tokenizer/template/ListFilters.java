package dev.nightjar.engine.tokenizer.template;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The filters that take lists. */
final class ListFilters {
  private final Budget budget;
  private final Evaluator evaluator;
  private final Filters filters;
  private final ValueTests tests;

  ListFilters(Budget budget, Evaluator evaluator, Filters filters, ValueTests tests) {
    this.budget = budget;
    this.evaluator = evaluator;
    this.filters = filters;
    this.tests = tests;
  }

  Object apply(String name, Object value, Arguments arguments) {
    return switch (name) {
      case "first" -> end(value, true);
      case "last" -> end(value, false);
      case "list" -> evaluator.iterate(value);
      case "join" -> join(evaluator.iterate(value), arguments);
      case "reverse" ->
          Slices.of(
              value instanceof String ? value : evaluator.iterate(value), null, null, -1L, budget);
      case "sort" -> sort(evaluator.iterate(value), arguments);
      case "dictsort" -> dictSort(value, arguments);
      case "unique" -> unique(evaluator.iterate(value), arguments);
      case "map" -> map(itemsOrNone(value), arguments);
      case "select" -> select(itemsOrNone(value), arguments, true);
      case "reject" -> select(itemsOrNone(value), arguments, false);
      case "selectattr" -> selectAttribute(itemsOrNone(value), arguments, true);
      case "rejectattr" -> selectAttribute(itemsOrNone(value), arguments, false);
      case "sum" -> sum(evaluator.iterate(value), arguments);
      case "min" -> extreme(evaluator.iterate(value), arguments, -1);
      case "max" -> extreme(evaluator.iterate(value), arguments, 1);
      case "batch" -> batch(evaluator.iterate(value), arguments);
      case "groupby" -> groupBy(evaluator.iterate(value), arguments);
      default -> throw new IllegalStateException(name);
    };
  }

  /** Jinja takes whatever is not true for an empty list where items are chosen or mapped. */
  private List<Object> itemsOrNone(Object value) {
    return Values.isTrue(value) ? evaluator.iterate(value) : List.of();
  }

  private Object end(Object value, boolean first) {
    List<Object> items = evaluator.iterate(value);
    if (items.isEmpty()) {
      return new Undefined("the end of an empty list");
    }
    return first ? items.getFirst() : items.getLast();
  }

  private String join(List<Object> items, Arguments arguments) {
    String separator = Values.text(arguments.get(0, "d", ""), budget);
    String attribute = arguments.string(1, "attribute", null);
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < items.size(); i++) {
      Object item = attribute == null ? items.get(i) : path(items.get(i), attribute);
      String text = Values.text(item, budget);
      budget.spendChars(text.length() + (long) separator.length());
      out.append(i == 0 ? "" : separator).append(text);
      budget.checkLength(out.length());
    }
    return out.toString();
  }

  /** An attribute given as {@code a.b.0}. */
  private Object path(Object item, Object attribute) {
    if (attribute instanceof Long index) {
      return item instanceof List<?> list && index >= 0 && index < list.size()
          ? list.get(index.intValue())
          : new Undefined("item " + index);
    }
    Object value = item;
    for (Object part : Strings.split(Values.text(attribute, budget), ".", -1, budget)) {
      String name = (String) part;
      if (value instanceof List<?> list
          && !name.isEmpty()
          && name.length() < 9
          && name.chars().allMatch(c -> c >= '0' && c <= '9')) {
        int index = Integer.parseInt(name);
        value = index < list.size() ? list.get(index) : new Undefined("item " + index);
      } else {
        value = evaluator.attribute(value, name, budget.line());
      }
    }
    return value;
  }

  private List<Object> sort(List<Object> items, Arguments arguments) {
    boolean reverse = arguments.flag(0, "reverse", false);
    boolean sensitive = arguments.flag(1, "case_sensitive", false);
    Object attribute = arguments.get(2, "attribute", null);
    Comparator<Object> order =
        (a, b) ->
            Values.compare(
                sortKey(attribute == null ? a : path(a, attribute), sensitive),
                sortKey(attribute == null ? b : path(b, attribute), sensitive),
                budget);
    return sorted(items, reverse ? order.reversed() : order);
  }

  private List<Object> sorted(List<Object> items, Comparator<Object> order) {
    try {
      items.sort(order);
      return items;
    } catch (IllegalArgumentException e) {
      throw budget.fault("the values have no consistent order");
    }
  }

  private Object sortKey(Object value, boolean sensitive) {
    budget.spend(1);
    return !sensitive && value instanceof String text ? Strings.lower(text) : value;
  }

  private List<Object> dictSort(Object value, Arguments arguments) {
    if (!(value instanceof Map<?, ?> map)) {
      throw budget.fault("dictsort found " + Values.typeName(value) + ", expected a dict");
    }
    boolean sensitive = arguments.flag(0, "case_sensitive", false);
    int part = "value".equals(arguments.string(1, "by", "key")) ? 1 : 0;
    boolean reverse = arguments.flag(2, "reverse", false);
    List<Object> items = Methods.items(map);
    Comparator<Object> order =
        (a, b) ->
            Values.compare(
                sortKey(((List<?>) a).get(part), sensitive),
                sortKey(((List<?>) b).get(part), sensitive),
                budget);
    return sorted(items, reverse ? order.reversed() : order);
  }

  private List<Object> unique(List<Object> items, Arguments arguments) {
    boolean sensitive = arguments.flag(0, "case_sensitive", false);
    Object attribute = arguments.get(1, "attribute", null);
    List<Object> kept = new ArrayList<>();
    List<Object> seen = new ArrayList<>();
    for (Object item : items) {
      Object key = sortKey(attribute == null ? item : path(item, attribute), sensitive);
      if (!evaluator.contains(seen, key)) {
        seen.add(key);
        kept.add(item);
      }
    }
    return kept;
  }

  private List<Object> map(List<Object> items, Arguments arguments) {
    List<Object> mapped = new ArrayList<>(items.size());
    boolean byAttribute = arguments.named().containsKey("attribute");
    Object attribute = arguments.named().get("attribute");
    for (Object item : items) {
      if (byAttribute) {
        Object found = path(item, attribute);
        boolean missing = found instanceof Undefined && arguments.named().containsKey("default");
        mapped.add(missing ? arguments.named().get("default") : found);
      } else {
        String filter = Values.text(arguments.require(0, "filter"), budget);
        mapped.add(filters.apply(filter, item, arguments.from(1)));
      }
    }
    return mapped;
  }

  private List<Object> select(List<Object> items, Arguments arguments, boolean wanted) {
    List<Object> kept = new ArrayList<>();
    for (Object item : items) {
      if (holds(item, arguments) == wanted) {
        kept.add(item);
      }
    }
    return kept;
  }

  private List<Object> selectAttribute(List<Object> items, Arguments arguments, boolean wanted) {
    Object attribute = arguments.require(0, "attribute");
    List<Object> kept = new ArrayList<>();
    for (Object item : items) {
      if (holds(path(item, attribute), arguments.from(1)) == wanted) {
        kept.add(item);
      }
    }
    return kept;
  }

  private boolean holds(Object item, Arguments arguments) {
    if (arguments.positional().isEmpty()) {
      return Values.isTrue(item);
    }
    String test = Values.text(arguments.positional().getFirst(), budget);
    String name =
        switch (test) {
          case "==" -> "eq";
          case "!=" -> "ne";
          case "<" -> "lt";
          case "<=" -> "le";
          case ">" -> "gt";
          case ">=" -> "ge";
          default -> test;
        };
    return tests.holds(name, item, arguments.from(1));
  }

  private Object sum(List<Object> items, Arguments arguments) {
    Object attribute = arguments.get(0, "attribute", null);
    Object total = arguments.get(1, "start", 0L);
    for (Object item : items) {
      Object value = attribute == null ? item : path(item, attribute);
      total = Arithmetics.apply("+", total, value, budget);
    }
    return total;
  }

  private Object extreme(List<Object> items, Arguments arguments, int sign) {
    boolean sensitive = arguments.flag(0, "case_sensitive", false);
    Object attribute = arguments.get(1, "attribute", null);
    Object best = new Undefined("the extreme of an empty list");
    Object bestKey = null;
    for (Object item : items) {
      Object key = sortKey(attribute == null ? item : path(item, attribute), sensitive);
      if (best instanceof Undefined || sign * Values.compare(key, bestKey, budget) > 0) {
        best = item;
        bestKey = key;
      }
    }
    return best;
  }

  private List<Object> batch(List<Object> items, Arguments arguments) {
    long size = arguments.integer(0, "linecount", 0);
    if (size < 1 || size > Evaluator.MAX_ITEMS) {
      throw budget.fault("batch: the size is " + size + ", expected at least 1");
    }
    List<Object> batches = new ArrayList<>();
    for (int from = 0; from < items.size(); from += (int) size) {
      int to = (int) Math.min(items.size(), from + size);
      batches.add(new ArrayList<>(items.subList(from, to)));
    }
    return batches;
  }

  private List<Object> groupBy(List<Object> items, Arguments arguments) {
    Object attribute = arguments.require(0, "attribute");
    Map<String, List<Object>> groups = new LinkedHashMap<>();
    Map<String, Object> keys = new LinkedHashMap<>();
    for (Object item : items) {
      Object key = path(item, attribute);
      String text = Values.text(key, budget);
      keys.putIfAbsent(text, key);
      groups.computeIfAbsent(text, _ -> new ArrayList<>()).add(item);
    }
    List<Object> pairs = new ArrayList<>();
    keys.forEach((text, key) -> {
      List<Object> pair = new ArrayList<>();
      pair.add(key);
      pair.add(groups.get(text));
      pairs.add(pair);
    });
    Comparator<Object> order =
        (a, b) -> Values.compare(((List<?>) a).getFirst(), ((List<?>) b).getFirst(), budget);
    return sorted(pairs, order);
  }
}
