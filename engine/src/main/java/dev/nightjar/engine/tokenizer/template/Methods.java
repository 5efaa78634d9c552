package dev.nightjar.engine.tokenizer.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The methods of strings, lists and dicts: those that change nothing. */
final class Methods {
  private static final Set<String> DICT = Set.of("get", "items", "keys", "values", "copy");

  private Methods() {}

  /** Whether a dict's method hides an item of this name. */
  static boolean has(Object target, String name) {
    return target instanceof Map<?, ?> && DICT.contains(name);
  }

  static Object call(Object target, String name, Arguments arguments, Budget budget) {
    return switch (target) {
      case String text -> ofString(text, name, arguments, budget);
      case Map<?, ?> map -> ofDict(map, name, arguments, budget);
      case List<?> list -> ofList(list, name, arguments, budget);
      case null, default -> throw unknown(target, name, arguments);
    };
  }

  private static RuntimeException unknown(Object target, String name, Arguments arguments) {
    return TemplateFault.at(
        arguments.line(), Values.typeName(target) + " has no method \"" + name + "\"");
  }

  private static Object ofString(String text, String name, Arguments arguments, Budget budget) {
    budget.spendChars(text.length());
    String first =
        arguments.size() > 0 && arguments.get(0, "sep", null) instanceof String s ? s : null;
    return switch (name) {
      case "strip" -> Strings.strip(text, arguments.string(0, "chars", null), true, true);
      case "lstrip" -> Strings.strip(text, arguments.string(0, "chars", null), true, false);
      case "rstrip" -> Strings.strip(text, arguments.string(0, "chars", null), false, true);
      case "split" -> Strings.split(text, first, arguments.integer(1, "maxsplit", -1), budget);
      case "rsplit" ->
          Strings.splitFromRight(text, first, arguments.integer(1, "maxsplit", -1), budget);
      case "splitlines" -> Strings.lines(text, arguments.flag(0, "keepends", false), budget);
      case "startswith" -> affix(text, arguments, true);
      case "endswith" -> affix(text, arguments, false);
      case "upper" -> Strings.upper(text);
      case "lower", "casefold" -> Strings.lower(text);
      case "title" -> Strings.title(text);
      case "capitalize" -> Strings.capitalize(text);
      case "replace" -> {
        arguments.require(1, "new");
        yield Strings.replace(
            text,
            arguments.string(0, "old", ""),
            arguments.string(1, "new", ""),
            arguments.integer(2, "count", -1),
            budget);
      }
      case "join" -> join(budget, text, arguments.require(0, "iterable"));
      case "find" -> codePointIndex(text, text.indexOf(arguments.string(0, "sub", "")));
      case "rfind" -> codePointIndex(text, text.lastIndexOf(arguments.string(0, "sub", "")));
      case "count" -> Strings.count(text, arguments.string(0, "sub", ""), budget);
      case "removeprefix" -> {
        String prefix = arguments.string(0, "prefix", "");
        yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
      }
      case "removesuffix" -> {
        String suffix = arguments.string(0, "suffix", "");
        yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
      }
      case "isdigit", "isnumeric", "isdecimal" ->
          !text.isEmpty() && text.codePoints().allMatch(Character::isDigit);
      case "isalpha" -> !text.isEmpty() && text.codePoints().allMatch(Character::isLetter);
      case "isalnum" -> !text.isEmpty() && text.codePoints().allMatch(Character::isLetterOrDigit);
      case "isspace" -> !text.isEmpty() && Strings.strip(text, null, true, true).isEmpty();
      case "isupper" -> text.equals(Strings.upper(text)) && !text.equals(Strings.lower(text));
      case "islower" -> text.equals(Strings.lower(text)) && !text.equals(Strings.upper(text));
      default -> throw unknown(text, name, arguments);
    };
  }

  /** One string, or any of a tuple. */
  private static boolean affix(String text, Arguments arguments, boolean start) {
    Object wanted = arguments.require(0, "affix");
    List<?> candidates = wanted instanceof List<?> list ? list : List.of(String.valueOf(wanted));
    if (!(wanted instanceof List<?>) && !(wanted instanceof String)) {
      throw TemplateFault.at(
          arguments.line(), "found " + Values.typeName(wanted) + ", expected a string");
    }
    for (Object candidate : candidates) {
      if (candidate instanceof String s && (start ? text.startsWith(s) : text.endsWith(s))) {
        return true;
      }
    }
    return false;
  }

  private static Object codePointIndex(String text, int index) {
    return index < 0 ? -1L : (long) text.codePointCount(0, index);
  }

  /** Python's join, which takes strings only. */
  private static String join(Budget budget, String separator, Object items) {
    if (!(items instanceof List<?> list)) {
      throw budget.fault("join found " + Values.typeName(items) + ", expected a list");
    }
    StringBuilder out = new StringBuilder();
    for (Object item : list) {
      if (!(item instanceof String text)) {
        throw budget.fault("join found " + Values.typeName(item) + ", expected strings");
      }
      budget.spendChars(text.length() + (long) separator.length());
      out.append(out.isEmpty() && item == list.getFirst() ? "" : separator).append(text);
      budget.checkLength(out.length());
    }
    return out.toString();
  }

  private static Object ofDict(Map<?, ?> map, String name, Arguments arguments, Budget budget) {
    budget.spend(map.size() / 16);
    return switch (name) {
      case "get" -> {
        Object key = arguments.require(0, "key");
        yield map.containsKey(key) ? map.get(key) : arguments.get(1, "default", null);
      }
      case "items" -> items(map);
      case "keys" -> new ArrayList<Object>(map.keySet());
      case "values" -> new ArrayList<Object>(map.values());
      case "copy" -> new LinkedHashMap<Object, Object>(map);
      default -> throw unknown(map, name, arguments);
    };
  }

  static List<Object> items(Map<?, ?> map) {
    List<Object> items = new ArrayList<>(map.size());
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      List<Object> pair = new ArrayList<>(2);
      pair.add(entry.getKey());
      pair.add(entry.getValue());
      items.add(pair);
    }
    return items;
  }

  private static Object ofList(List<?> list, String name, Arguments arguments, Budget budget) {
    switch (name) {
      case "count" -> {
        long count = 0;
        for (Object item : list) {
          count += Values.areEqual(item, arguments.require(0, "value"), budget) ? 1 : 0;
        }
        return count;
      }
      case "index" -> {
        for (int i = 0; i < list.size(); i++) {
          if (Values.areEqual(list.get(i), arguments.require(0, "value"), budget)) {
            return (long) i;
          }
        }
        throw TemplateFault.at(arguments.line(), "index: the value is not in the list");
      }
      case "copy" -> {
        budget.spend(list.size() / 16);
        return new ArrayList<Object>(list);
      }
      default -> throw unknown(list, name, arguments);
    }
  }
}
