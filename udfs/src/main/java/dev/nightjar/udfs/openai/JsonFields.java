package dev.nightjar.udfs.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;

/**
 * The fields of a JSON object, each taken by name and type; a null is as good as none. What nobody
 * has taken is refused by {@link #refuseOthers}.
 */
final class JsonFields {
  private static final int MAX_MESSAGE = 500;
  private static final int MAX_EXCERPT = 80;

  private final String path;
  private final ObjectNode object;
  private final Set<String> taken = new HashSet<>();

  /**
   * The fields of an object.
   *
   * @param path what faults call the object, with a dot behind it, or empty
   */
  JsonFields(String path, ObjectNode object) {
    this.path = path;
    this.object = object;
  }

  /** The field's value, if there is one. */
  Optional<JsonNode> find(String name) {
    taken.add(name);
    JsonNode value = object.get(name);
    return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
  }

  /** A field that must be there. */
  JsonNode required(String name, String expected) {
    return find(name).orElseThrow(() -> invalid(path + name + " is missing, expected " + expected));
  }

  Optional<String> text(String name) {
    return find(name).map(value -> text(name, value));
  }

  String requiredText(String name) {
    return text(name, required(name, "a string"));
  }

  private String text(String name, JsonNode value) {
    if (!value.isTextual()) {
      throw wrong(name, value, "a string");
    }
    return value.textValue();
  }

  OptionalLong whole(String name) {
    Optional<JsonNode> value = find(name);
    if (value.isEmpty()) {
      return OptionalLong.empty();
    }
    if (!value.get().isIntegralNumber() || !value.get().canConvertToLong()) {
      throw wrong(name, value.get(), "a whole number");
    }
    return OptionalLong.of(value.get().longValue());
  }

  /** A whole number that fits an {@code int}. */
  Optional<Integer> integer(String name) {
    OptionalLong value = whole(name);
    if (value.isPresent() && value.getAsLong() != (int) value.getAsLong()) {
      throw wrong(name, object.get(name), "a whole number below 2^31");
    }
    return value.isPresent() ? Optional.of((int) value.getAsLong()) : Optional.empty();
  }

  OptionalDouble number(String name) {
    Optional<JsonNode> value = find(name);
    if (value.isEmpty()) {
      return OptionalDouble.empty();
    }
    if (!value.get().isNumber()) {
      throw wrong(name, value.get(), "a number");
    }
    return OptionalDouble.of(value.get().doubleValue());
  }

  /** False without the field. */
  boolean flag(String name) {
    Optional<JsonNode> value = find(name);
    if (value.isPresent() && !value.get().isBoolean()) {
      throw wrong(name, value.get(), "true or false");
    }
    return value.isPresent() && value.get().booleanValue();
  }

  /** An object below this one. */
  JsonFields object(String name) {
    JsonNode value = required(name, "an object");
    if (value instanceof ObjectNode fields) {
      return new JsonFields(path + name + ".", fields);
    }
    throw wrong(name, value, "an object");
  }

  /**
   * Refuses the fields that nobody took.
   *
   * @param neutral values by name that change nothing, so that they may be there; a null value
   *     stands for any
   */
  void refuseOthers(Map<String, Optional<JsonNode>> neutral) {
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      String name = field.getKey();
      if (taken.contains(name) || field.getValue().isNull()) {
        continue;
      }
      Optional<JsonNode> allowed = neutral.get(name);
      if (allowed == null) {
        throw invalid(path + name + " is not supported; leave it out");
      }
      if (allowed.isPresent() && !same(allowed.get(), field.getValue())) {
        throw wrong(name, field.getValue(), allowed.get() + ": nothing else is supported");
      }
    }
  }

  private static boolean same(JsonNode a, JsonNode b) {
    return a.isNumber() && b.isNumber() ? a.doubleValue() == b.doubleValue() : a.equals(b);
  }

  /** A fault of one field. */
  EngineException wrong(String name, JsonNode found, String expected) {
    return invalid(path + name + " is " + excerpt(found) + ", expected " + expected);
  }

  private static String excerpt(JsonNode value) {
    if (value.isArray() || value.isObject()) {
      return value.isArray() ? "an array" : "an object";
    }
    String text = value.toString();
    return text.length() <= MAX_EXCERPT ? text : text.substring(0, MAX_EXCERPT) + "...";
  }

  /** A fault of the line; names in it may be of any length. */
  static EngineException invalid(String message) {
    String text = message.length() <= MAX_MESSAGE ? message : message.substring(0, MAX_MESSAGE);
    return new EngineException(ErrorCode.INVALID_PROMPT, text);
  }
}
