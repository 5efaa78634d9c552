package dev.nightjar.engine.model;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.format.Excerpt;
import java.util.ArrayList;
import java.util.List;

/** Checked access to a JSON object of a model's configuration; absent and null are the same. */
record JsonConfig(String file, JsonNode node) {
  static final String FILE = "config.json";

  /** No default: the key must be there. */
  static final int REQUIRED = Integer.MIN_VALUE;

  /** The object of a key; may be absent. */
  JsonConfig child(String key) {
    return new JsonConfig(file, node.path(key));
  }

  boolean isAbsent() {
    return isAbsent(node);
  }

  boolean has(String key) {
    return !isAbsent(node.path(key));
  }

  /** A positive integer. */
  int integer(String key, int max, int fallback) {
    if (!has(key) && fallback != REQUIRED) {
      return fallback;
    }
    return ConfigCheck.positive(file, key, integral(key), max);
  }

  private long integral(String key) {
    JsonNode value = node.path(key);
    if (!value.isIntegralNumber() || !value.canConvertToLong()) {
      throw wrong(key, "an integer");
    }
    return value.longValue();
  }

  /** A number that must be there. */
  double required(String key) {
    if (!has(key)) {
      throw wrong(key, "a number");
    }
    return number(key, 1, 1e-3, 1e6);
  }

  double number(String key, double fallback, double min, double max) {
    JsonNode value = node.path(key);
    if (isAbsent(value)) {
      return fallback;
    }
    if (!value.isNumber()) {
      throw wrong(key, "a number");
    }
    return ConfigCheck.inRange(file, key, value.doubleValue(), min, max);
  }

  boolean flag(String key, boolean fallback) {
    JsonNode value = node.path(key);
    if (isAbsent(value)) {
      return fallback;
    }
    if (!value.isBoolean()) {
      throw wrong(key, "true or false");
    }
    return value.booleanValue();
  }

  /** A text, or {@code fallback}. */
  String text(String key, String fallback) {
    return node.path(key).asText(fallback);
  }

  /** A list of {@code size} positive numbers. */
  List<Float> numbers(String key, int size) {
    JsonNode list = node.path(key);
    if (!list.isArray() || list.size() != size) {
      throw wrong(key, "a list of " + size + " numbers");
    }
    List<Float> out = new ArrayList<>(size);
    for (JsonNode value : list) {
      if (!value.isNumber()) {
        throw wrong(key, "a list of numbers");
      }
      out.add((float) ConfigCheck.inRange(file, key, value.doubleValue(), 1e-6, 1e6));
    }
    return out;
  }

  /** A list of {@code size} values, for instance one for each layer. */
  List<JsonNode> list(String key, int size) {
    JsonNode list = node.path(key);
    if (!list.isArray() || list.size() != size) {
      throw wrong(key, "a list of " + size + " values");
    }
    List<JsonNode> out = new ArrayList<>(size);
    list.forEach(out::add);
    return out;
  }

  int tokenId(String key, JsonNode value) {
    if (!value.isIntegralNumber() || !value.canConvertToInt()) {
      throw wrong(key, value, "a token id");
    }
    return value.intValue();
  }

  static boolean isAbsent(JsonNode node) {
    return node.isMissingNode() || node.isNull();
  }

  EngineException wrong(String key, String expected) {
    return wrong(key, node.path(key), expected);
  }

  private EngineException wrong(String key, JsonNode found, String expected) {
    return ConfigCheck.invalid(
        "%s: %s is %s, expected %s; re-export the checkpoint"
            .formatted(file, key, brief(found), expected));
  }

  /** The node as JSON, shortened for messages. */
  static String brief(JsonNode node) {
    if (node.isMissingNode()) {
      return "missing";
    }
    if (node.isContainerNode() && node.size() > 8) {
      return "a JSON " + node.getNodeType() + " of " + node.size() + " elements";
    }
    return Excerpt.of(node.toString());
  }
}
