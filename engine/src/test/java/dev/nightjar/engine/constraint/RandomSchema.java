package dev.nightjar.engine.constraint;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Random;

/** Schemas made of everything that is supported. */
public final class RandomSchema {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final String[] NAMES = {"label", "näme", "a \"b\"", "x", "tags", "c\\d", "ok"};
  private static final String[] PATTERNS = {
    "^[A-Z]{2}[0-9]{3,5}$", "ab", "^(yes|no)\\n?$", "^[^\"\\\\]+$", "\\p{L}", "^é*$", "^\\\\\"$"
  };
  private static final String[] FORMATS = {"date", "date-time", "time", "uuid", "ipv4"};

  private final Random random;

  public RandomSchema(Random random) {
    this.random = random;
  }

  /** A schema whose values nest at most {@code depth} levels. */
  public ObjectNode next(int depth) {
    ObjectNode schema = JSON.objectNode();
    switch (random.nextInt(depth > 0 ? 13 : 8)) {
      case 0 -> schema.put("type", "string");
      case 1 -> lengths(schema.put("type", "string"), "minLength", "maxLength");
      case 2 -> pattern(schema.put("type", "string"));
      case 3 -> schema.put("type", "string").put("format", FORMATS[random.nextInt(FORMATS.length)]);
      case 4 -> bounds(schema.put("type", random.nextBoolean() ? "integer" : "number"));
      case 5 -> schema.put("type", random.nextBoolean() ? "boolean" : "null");
      case 6 -> {
        ArrayNode values = schema.putArray("enum");
        values.add("ham").add("späm 😀 \"\n").add(17).add(-2.5).addNull().add(true);
        values.addObject().put("a", 1).putArray("b").add("x");
      }
      case 7 -> schema.putArray("type").add("string").add("null").add("integer");
      case 8 -> {
        schema.put("type", "array").set("items", next(depth - 1));
        lengths(schema, "minItems", "maxItems");
      }
      case 9 -> {
        ArrayNode alternatives = schema.putArray("anyOf");
        for (int i = random.nextInt(1, 4); i > 0; i--) {
          alternatives.add(next(depth - 1));
        }
      }
      default -> object(schema, depth);
    }
    return schema;
  }

  private void object(ObjectNode schema, int depth) {
    schema.put("type", "object").put("additionalProperties", false);
    ObjectNode properties = schema.putObject("properties");
    ArrayNode required = JSON.arrayNode();
    for (int i = random.nextInt(1, 6); i > 0; i--) {
      String name = NAMES[random.nextInt(NAMES.length)];
      properties.set(name, next(depth - 1));
    }
    for (String name : NAMES) {
      if (properties.has(name) && random.nextInt(3) > 0) {
        required.add(name);
      }
    }
    schema.set("required", required);
  }

  private void lengths(ObjectNode schema, String min, String max) {
    int least = random.nextInt(4);
    if (random.nextBoolean()) {
      schema.put(min, least);
    }
    if (random.nextBoolean()) {
      schema.put(max, least + random.nextInt(5));
    }
  }

  private void pattern(ObjectNode schema) {
    schema.put("pattern", PATTERNS[random.nextInt(PATTERNS.length)]);
    if (random.nextInt(3) == 0) {
      schema.put("minLength", 2).put("maxLength", 6);
    }
  }

  private void bounds(ObjectNode schema) {
    double low = random.nextInt(-20, 20) / 2.0;
    if (random.nextBoolean()) {
      schema.put(random.nextBoolean() ? "minimum" : "exclusiveMinimum", low);
    }
    if (random.nextBoolean()) {
      schema.put(random.nextBoolean() ? "maximum" : "exclusiveMaximum", low + 1.5);
    }
  }
}
