package dev.nightjar.engine.constraint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Reads a JSON Schema as the set of documents to generate: all of them fit the schema, though not
 * every document that fits is among them. What is not supported is refused by name. Used once per
 * schema.
 */
final class SchemaReader {
  /** Objects and arrays around each other where a schema leaves the value open. */
  static final int OPEN_NESTING = 3;

  private static final int MAX_NESTING = 64;
  private static final int MAX_CHARS = 1 << 20;
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .build();

  private final JsonNode root;
  private final Deque<String> open = new ArrayDeque<>();

  private SchemaReader(JsonNode root) {
    this.root = root;
  }

  /** The documents of a schema. */
  static Language read(String schema) {
    if (schema.length() > MAX_CHARS) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "the JSON schema has " + schema.length() + " chars, expected at most " + MAX_CHARS);
    }
    try {
      JsonNode root = MAPPER.readTree(schema);
      return new SchemaReader(root).read(root, "", 0);
    } catch (JsonProcessingException e) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION, "the JSON schema is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  private Language read(JsonNode schema, String path, int nesting) {
    if (nesting > MAX_NESTING) {
      throw fault(path, "is nested deeper than " + MAX_NESTING + " levels");
    }
    if (schema.isBoolean() && schema.booleanValue()) {
      return JsonText.any(OPEN_NESTING);
    }
    if (!schema.isObject()) {
      throw fault(path, "is " + schema.getNodeType() + ", expected an object");
    }
    if (schema.has("$ref")) {
      return reference(schema, path, nesting);
    }
    for (String keyword : List.of("anyOf", "oneOf")) {
      if (schema.has(keyword)) {
        Keywords.check(schema, path, Set.of(keyword));
        return alternatives(schema, keyword, path, nesting);
      }
    }
    if (schema.has("const") || schema.has("enum")) {
      Keywords.check(schema, path, Set.of("const", "enum", "type"));
      return values(schema, path);
    }
    Set<String> types = Keywords.types(schema, path);
    Keywords.check(schema, path, Keywords.of(types));
    List<Language> alternatives = new ArrayList<>();
    for (String type : types) {
      alternatives.add(typed(type, schema, path, nesting));
    }
    return alternatives.size() == 1 ? alternatives.getFirst() : new Language.Union(alternatives);
  }

  private Language typed(String type, JsonNode schema, String path, int nesting) {
    return switch (type) {
      case "null" -> JsonText.NULL;
      case "boolean" -> JsonText.BOOLEAN;
      case "string" -> StringSchema.read(schema, path);
      case "integer" -> NumberSchema.integers(schema, path);
      case "number" -> NumberSchema.numbers(schema, path);
      case "array" -> array(schema, path, nesting);
      case "object" -> object(schema, path, nesting);
      default -> JsonText.any(OPEN_NESTING);
    };
  }

  private Language reference(JsonNode schema, String path, int nesting) {
    Keywords.check(schema, path, Set.of("$ref"));
    String reference = schema.get("$ref").asText();
    if (!reference.startsWith("#") || root.at(pointer(reference, path)).isMissingNode()) {
      throw fault(path, "refers to " + reference + ", which is not in the schema");
    }
    if (open.contains(reference)) {
      throw fault(
          path,
          "refers to "
              + reference
              + " from inside it; recursive schemas are not supported, write out the levels"
              + " needed");
    }
    open.push(reference);
    Language language = read(root.at(pointer(reference, path)), path, nesting + 1);
    open.pop();
    return language;
  }

  private static String pointer(String reference, String path) {
    String pointer = reference.substring(1);
    if (!pointer.isEmpty() && !pointer.startsWith("/")) {
      throw fault(path, "refers to " + reference + "; expected #/... such as #/$defs/name");
    }
    return pointer;
  }

  private Language alternatives(JsonNode schema, String keyword, String path, int nesting) {
    JsonNode list = schema.get(keyword);
    if (!list.isArray() || list.isEmpty()) {
      throw fault(path + "/" + keyword, "is no list of schemas");
    }
    List<Language> alternatives = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      alternatives.add(read(list.get(i), path + "/" + keyword + "/" + i, nesting + 1));
    }
    if (keyword.equals("oneOf")) {
      checkDisjoint(alternatives, path);
    }
    return new Language.Union(alternatives);
  }

  private static void checkDisjoint(List<Language> alternatives, String path) {
    List<ByteAutomaton> automata = new ArrayList<>();
    for (Language alternative : alternatives) {
      ByteAutomaton automaton = ByteAutomaton.of(alternative);
      for (int i = 0; i < automata.size(); i++) {
        if (!ByteAutomaton.intersection(automata.get(i), automaton).acceptsNothing()) {
          throw fault(
              path + "/oneOf",
              "has alternatives "
                  + i
                  + " and "
                  + automata.size()
                  + " that share documents; make them exclusive or use anyOf");
        }
      }
      automata.add(automaton);
    }
  }

  /** The values that {@code const} and {@code enum} list, if they are of the right type. */
  private Language values(JsonNode schema, String path) {
    List<JsonNode> values = new ArrayList<>();
    if (schema.has("enum")) {
      if (!schema.get("enum").isArray() || schema.get("enum").isEmpty()) {
        throw fault(path + "/enum", "is no list of values");
      }
      schema.get("enum").forEach(values::add);
    }
    if (schema.has("const")) {
      JsonNode only = schema.get("const");
      if (schema.has("enum") && !values.contains(only)) {
        throw fault(path, "has a const that its enum does not list");
      }
      values = List.of(only);
    }
    Set<String> types = schema.has("type") ? Keywords.types(schema, path) : Keywords.TYPES;
    List<Language> texts = new ArrayList<>();
    for (JsonNode value : values) {
      if (types.stream().anyMatch(type -> Keywords.isOf(value, type))) {
        texts.add(new Language.Literal(write(value)));
      }
    }
    if (texts.isEmpty()) {
      throw fault(path, "lists no value of its type " + types);
    }
    return new Language.Union(texts);
  }

  private static String write(JsonNode value) {
    if (value.isTextual()) {
      return '"' + JsonText.escape(value.textValue()) + '"';
    }
    StringBuilder out = new StringBuilder();
    if (value.isArray()) {
      for (JsonNode item : value) {
        out.append(out.isEmpty() ? "[" : ",").append(write(item));
      }
      return out.isEmpty() ? "[]" : out.append(']').toString();
    }
    if (value.isObject()) {
      for (Map.Entry<String, JsonNode> member : value.properties()) {
        out.append(out.isEmpty() ? "{\"" : ",\"").append(JsonText.escape(member.getKey()));
        out.append("\":").append(write(member.getValue()));
      }
      return out.isEmpty() ? "{}" : out.append('}').toString();
    }
    return value.toString();
  }

  private Language array(JsonNode schema, String path, int nesting) {
    if (schema.path("uniqueItems").asBoolean(false)) {
      throw fault(path + "/uniqueItems", "is not supported; leave it out");
    }
    int min = Keywords.count(schema, "minItems", 0, path);
    int max = Keywords.count(schema, "maxItems", Language.Repeat.UNBOUNDED, path);
    if (max >= 0 && max < min) {
      throw fault(path, "has maxItems " + max + " below minItems " + min);
    }
    Language item =
        schema.has("items")
            ? read(schema.get("items"), path + "/items", nesting + 1)
            : JsonText.any(OPEN_NESTING - 1);
    return JsonText.array(item, min, max);
  }

  private Language object(JsonNode schema, String path, int nesting) {
    JsonNode properties = schema.path("properties");
    JsonNode others = schema.path("additionalProperties");
    Set<String> required = required(schema, path);
    if (properties.isEmpty()) {
      if (!required.isEmpty()) {
        throw fault(path, "requires " + required + ", which its properties do not describe");
      }
      if (others.isBoolean() && !others.booleanValue()) {
        return new Language.Literal("{}");
      }
      return JsonText.map(
          others.isObject()
              ? read(others, path + "/additionalProperties", nesting + 1)
              : JsonText.any(OPEN_NESTING - 1));
    }
    if (!properties.isObject()) {
      throw fault(path + "/properties", "is no object");
    }
    List<Language> members = new ArrayList<>();
    BitSet needed = new BitSet();
    Iterator<Map.Entry<String, JsonNode>> fields = properties.properties().iterator();
    while (fields.hasNext()) {
      Map.Entry<String, JsonNode> field = fields.next();
      needed.set(members.size(), required.remove(field.getKey()));
      String inside = path + "/properties/" + field.getKey();
      members.add(JsonText.member(field.getKey(), read(field.getValue(), inside, nesting + 1)));
    }
    if (!required.isEmpty()) {
      throw fault(path, "requires " + required + ", which its properties do not describe");
    }
    return JsonText.object(new Language.Members(members, needed));
  }

  private static Set<String> required(JsonNode schema, String path) {
    Set<String> names = new LinkedHashSet<>();
    if (schema.has("required") && !schema.get("required").isArray()) {
      throw fault(path + "/required", "is no list of names");
    }
    for (JsonNode name : schema.path("required")) {
      names.add(name.asText());
    }
    return names;
  }

  static EngineException fault(String path, String what) {
    return new EngineException(
        ErrorCode.INVALID_OPTION,
        "the JSON schema" + (path.isEmpty() ? "" : " at " + path) + " " + what);
  }
}
