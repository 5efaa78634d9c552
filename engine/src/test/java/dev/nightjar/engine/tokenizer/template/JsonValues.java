package dev.nightjar.engine.tokenizer.template;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** JSON as the values that templates know. */
public final class JsonValues {
  private JsonValues() {}

  /** Null, Boolean, Long, Double, String, and Lists and Maps of such. */
  public static Object of(JsonNode node) {
    return switch (node.getNodeType()) {
      case NULL -> null;
      case BOOLEAN -> node.booleanValue();
      case NUMBER ->
          node.isIntegralNumber() ? (Object) node.longValue() : (Object) node.doubleValue();
      case STRING -> node.textValue();
      case ARRAY -> {
        List<Object> list = new ArrayList<>();
        node.forEach(item -> list.add(of(item)));
        yield list;
      }
      default -> {
        Map<Object, Object> map = new LinkedHashMap<>();
        node.properties().forEach(entry -> map.put(entry.getKey(), of(entry.getValue())));
        yield map;
      }
    };
  }
}
