package dev.nightjar.engine.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;

/**
 * Checked access to the fields of a tokenizer description; a missing optional field and null are
 * the same.
 */
final class JsonFields {
  private static final int MAX_SHOWN = 80;

  private JsonFields() {}

  static EngineException invalid(String message) {
    return new EngineException(ErrorCode.INVALID_TOKENIZER, "tokenizer.json: " + message);
  }

  static EngineException wrong(String where, JsonNode found, String expected) {
    String shown = found.isMissingNode() ? "missing" : found.toString();
    if (shown.length() > MAX_SHOWN) {
      shown = shown.substring(0, MAX_SHOWN) + "…";
    }
    return invalid(
        where + " is " + shown + ", expected " + expected + "; export the tokenizer again");
  }

  static boolean isAbsent(JsonNode node) {
    return node.isMissingNode() || node.isNull();
  }

  static JsonNode object(JsonNode parent, String name) {
    JsonNode node = parent.path(name);
    if (!node.isObject()) {
      throw wrong(name, node, "an object");
    }
    return node;
  }

  static JsonNode array(JsonNode parent, String name) {
    JsonNode node = parent.path(name);
    if (!node.isArray()) {
      throw wrong(name, node, "an array");
    }
    return node;
  }

  static String string(JsonNode parent, String name) {
    JsonNode node = parent.path(name);
    if (!node.isTextual()) {
      throw wrong(name, node, "a string");
    }
    return node.textValue();
  }

  static String string(JsonNode parent, String name, String fallback) {
    return isAbsent(parent.path(name)) ? fallback : string(parent, name);
  }

  static boolean flag(JsonNode parent, String name, boolean fallback) {
    JsonNode node = parent.path(name);
    if (isAbsent(node)) {
      return fallback;
    }
    if (!node.isBoolean()) {
      throw wrong(name, node, "true or false");
    }
    return node.booleanValue();
  }

  static int tokenId(JsonNode node, String where) {
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.intValue() < 0
        || node.intValue() >= Vocabulary.MAX_SIZE) {
      throw wrong(where, node, "a token id in [0, " + Vocabulary.MAX_SIZE + ")");
    }
    return node.intValue();
  }

  static int count(JsonNode parent, String name, int fallback) {
    JsonNode node = parent.path(name);
    if (isAbsent(node)) {
      return fallback;
    }
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0) {
      throw wrong(name, node, "a count");
    }
    return node.intValue();
  }
}
