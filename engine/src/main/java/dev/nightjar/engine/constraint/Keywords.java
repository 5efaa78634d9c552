package dev.nightjar.engine.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The keywords of JSON Schema: which there are, and which of them may stand together. */
final class Keywords {
  static final Set<String> TYPES =
      Set.of("null", "boolean", "string", "integer", "number", "array", "object");

  /** What a schema without type and type-specific keywords describes. */
  private static final String ANY = "any";

  /** Keywords that restrict nothing. */
  private static final Set<String> ANNOTATIONS =
      Set.of(
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions");

  private static final Map<String, List<String>> OF_TYPE =
      Map.of(
          "null",
          List.of(),
          "boolean",
          List.of(),
          "string",
          List.of("minLength", "maxLength", "pattern", "format"),
          "integer",
          List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
          "number",
          List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
          "array",
          List.of("items", "minItems", "maxItems", "uniqueItems"),
          "object",
          List.of("properties", "required", "additionalProperties"),
          ANY,
          List.of());

  private static final int MAX_COUNT = 10_000;

  private Keywords() {}

  /** The keywords that may stand beside {@code type}. */
  static Set<String> of(Set<String> types) {
    Set<String> keywords = new LinkedHashSet<>(List.of("type"));
    for (String type : types) {
      keywords.addAll(OF_TYPE.get(type));
    }
    return keywords;
  }

  /** Refuses keywords other than these and those that restrict nothing. */
  static void check(JsonNode schema, String path, Set<String> allowed) {
    Iterator<String> names = schema.fieldNames();
    while (names.hasNext()) {
      String name = names.next();
      if (!allowed.contains(name) && !ANNOTATIONS.contains(name)) {
        boolean elsewhere =
            List.of("$ref", "anyOf", "oneOf", "enum", "const", "type").contains(name)
                || OF_TYPE.values().stream().anyMatch(keywords -> keywords.contains(name));
        throw SchemaReader.fault(
            path,
            "has the keyword "
                + name
                + (elsewhere ? ", which cannot stand here" : ", which is not supported")
                + "; supported here are "
                + new TreeSet<>(allowed));
      }
    }
  }

  /** The types a schema names, or the one that its keywords imply. */
  static Set<String> types(JsonNode schema, String path) {
    JsonNode type = schema.path("type");
    Set<String> types = new LinkedHashSet<>();
    if (type.isMissingNode()) {
      for (String name : List.of("object", "array", "string", "number")) {
        if (OF_TYPE.get(name).stream().anyMatch(schema::has)) {
          types.add(name);
        }
      }
      return types.isEmpty() ? Set.of(ANY) : types;
    }
    if (type.isArray()) {
      type.forEach(name -> types.add(name.asText()));
    } else {
      types.add(type.asText());
    }
    for (String name : types) {
      if (!TYPES.contains(name)) {
        throw SchemaReader.fault(
            path, "has the type " + name + ", expected one of " + new TreeSet<>(TYPES));
      }
    }
    if (types.isEmpty()) {
      throw SchemaReader.fault(path, "has an empty list of types");
    }
    return types;
  }

  /** Whether a value is of a type. */
  static boolean isOf(JsonNode value, String type) {
    return switch (type) {
      case "null" -> value.isNull();
      case "boolean" -> value.isBoolean();
      case "string" -> value.isTextual();
      case "integer" -> value.isIntegralNumber();
      case "number" -> value.isNumber();
      case "array" -> value.isArray();
      case "object" -> value.isObject();
      default -> throw new IllegalStateException("no type " + type);
    };
  }

  /** A keyword that counts something. */
  static int count(JsonNode schema, String keyword, int fallback, String path) {
    JsonNode value = schema.path(keyword);
    if (value.isMissingNode()) {
      return fallback;
    }
    if (!value.canConvertToExactIntegral() || !value.canConvertToInt() || value.intValue() < 0) {
      throw SchemaReader.fault(path + "/" + keyword, "is " + value + ", expected 0 or more");
    }
    if (value.intValue() > MAX_COUNT) {
      throw SchemaReader.fault(
          path + "/" + keyword,
          "is "
              + value
              + ", expected at most "
              + MAX_COUNT
              + "; leave it out, max-tokens bounds the text anyway");
    }
    return value.intValue();
  }
}
