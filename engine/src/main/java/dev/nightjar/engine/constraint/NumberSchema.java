package dev.nightjar.engine.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import java.math.BigDecimal;

/** Reads what a JSON Schema says of numbers. */
final class NumberSchema {
  private NumberSchema() {}

  static Language integers(JsonNode schema, String path) {
    NumberRange range = range(schema, path);
    return range == null ? JsonText.INTEGER : range.integers();
  }

  static Language numbers(JsonNode schema, String path) {
    NumberRange range = range(schema, path);
    return range == null ? JsonText.NUMBER : range.numbers();
  }

  /** The range, or null if there are no bounds. */
  private static NumberRange range(JsonNode schema, String path) {
    BigDecimal min = bound(schema, "minimum", path);
    BigDecimal above = bound(schema, "exclusiveMinimum", path);
    BigDecimal max = bound(schema, "maximum", path);
    BigDecimal below = bound(schema, "exclusiveMaximum", path);
    if (min == null && above == null && max == null && below == null) {
      return null;
    }
    boolean minIncluded = above == null || (min != null && min.compareTo(above) > 0);
    boolean maxIncluded = below == null || (max != null && max.compareTo(below) < 0);
    return new NumberRange(
        minIncluded ? min : above, minIncluded, maxIncluded ? max : below, maxIncluded);
  }

  private static BigDecimal bound(JsonNode schema, String keyword, String path) {
    JsonNode value = schema.path(keyword);
    if (value.isMissingNode()) {
      return null;
    }
    if (!value.isNumber() || !NumberRange.supports(value.decimalValue())) {
      throw SchemaReader.fault(
          path + "/" + keyword,
          "is "
              + value
              + ", expected a number of at most "
              + NumberRange.DIGITS
              + " digits before the point and 15 behind it");
    }
    return value.decimalValue();
  }
}
