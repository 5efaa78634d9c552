package dev.nightjar.engine.tokenizer.template;

import java.util.List;
import java.util.Map;

/** The values a call, filter or test is given. */
record Arguments(List<Object> positional, Map<String, Object> named, int line) {
  int size() {
    return positional.size() + named.size();
  }

  /** The argument at this place or of this name, or the fallback. */
  Object get(int index, String name, Object fallback) {
    if (index < positional.size()) {
      return positional.get(index);
    }
    return named.containsKey(name) ? named.get(name) : fallback;
  }

  Object require(int index, String name) {
    if (index >= positional.size() && !named.containsKey(name)) {
      throw TemplateFault.at(line, "the argument " + name + " is missing");
    }
    return get(index, name, null);
  }

  String string(int index, String name, String fallback) {
    Object value = get(index, name, fallback);
    if (value != null && !(value instanceof String)) {
      throw TemplateFault.at(
          line, "the argument " + name + " is " + Values.typeName(value) + ", expected a string");
    }
    return (String) value;
  }

  long integer(int index, String name, long fallback) {
    Object value = get(index, name, fallback);
    if (value instanceof Boolean bool) {
      return bool ? 1 : 0;
    }
    if (!(value instanceof Long number)) {
      throw TemplateFault.at(
          line, "the argument " + name + " is " + Values.typeName(value) + ", expected an integer");
    }
    return number;
  }

  boolean flag(int index, String name, boolean fallback) {
    return Values.isTrue(get(index, name, fallback));
  }

  /** The arguments behind the first ones. */
  Arguments from(int first) {
    return new Arguments(
        positional.subList(Math.min(first, positional.size()), positional.size()), named, line);
  }
}
