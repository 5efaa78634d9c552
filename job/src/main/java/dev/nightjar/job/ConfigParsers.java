package dev.nightjar.job;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.depth.DepthSpec;
import dev.nightjar.udfs.DdlSchema;
import java.time.Duration;
import java.time.LocalDate;
import java.time.format.DateTimeParseException;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * Texts to the values of {@link ConfigKeys}; a fault is an {@link IllegalArgumentException} (or,
 * for a depth policy or a response format, the engine's own exception) that says what was expected.
 */
final class ConfigParsers {
  private static final JsonMapper JSON = new JsonMapper();

  private ConfigParsers() {}

  static Long integer(String text, long min, long max) {
    String expected =
        "a whole number from " + min + (max >= Integer.MAX_VALUE ? " up" : " to " + max);
    try {
      long value = Long.parseLong(text.strip().replace("_", ""));
      if (value >= min && value <= max) {
        return value;
      }
      throw new IllegalArgumentException("expected " + expected);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException("expected " + expected, e);
    }
  }

  static Float number(String text, int min, int max) {
    String expected = "expected a number from " + min + " to " + max;
    try {
      float value = Float.parseFloat(text.strip());
      if (value >= min && value <= max) {
        return value;
      }
      throw new IllegalArgumentException(expected);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(expected, e);
    }
  }

  static Boolean bool(String text) {
    return switch (text.strip().toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException("expected true or false");
    };
  }

  static Long bytes(String text) {
    String digits = text.strip().toLowerCase(Locale.ROOT);
    int shift = digits.isEmpty() ? -1 : "kmg".indexOf(digits.charAt(digits.length() - 1));
    try {
      long number = Long.parseLong(shift < 0 ? digits : digits.substring(0, digits.length() - 1));
      if (number >= 0) {
        return Math.multiplyExact(number, 1L << 10 * (shift + 1));
      }
      throw new IllegalArgumentException("expected a size such as 512m");
    } catch (NumberFormatException | ArithmeticException e) {
      throw new IllegalArgumentException("expected a size such as 512m", e);
    }
  }

  static Duration duration(String text) {
    String digits = text.strip().toLowerCase(Locale.ROOT);
    int unit = digits.isEmpty() ? -1 : "smh".indexOf(digits.charAt(digits.length() - 1));
    try {
      long number = Long.parseLong(unit < 0 ? digits : digits.substring(0, digits.length() - 1));
      if (number == 0 || number > 0 && unit >= 0) {
        return Duration.ofSeconds(
            Math.multiplyExact(number, unit == 2 ? 3600L : unit == 1 ? 60 : 1));
      }
      throw new IllegalArgumentException("expected a duration such as 4h, 90m or 45s");
    } catch (NumberFormatException | ArithmeticException e) {
      throw new IllegalArgumentException("expected a duration such as 4h, 90m or 45s", e);
    }
  }

  static LocalDate date(String text) {
    try {
      return text.equals("today") ? LocalDate.now() : LocalDate.parse(text.strip());
    } catch (DateTimeParseException e) {
      throw new IllegalArgumentException("expected a date such as 2026-01-31", e);
    }
  }

  static String depth(String text) {
    DepthSpec.parse(text);
    return text.strip();
  }

  static List<String> texts(String text) {
    if (!text.startsWith("[")) {
      return List.of(text);
    }
    try {
      return JSON.readValue(text, new TypeReference<List<String>>() {});
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("expected one text, or a JSON array of texts", e);
    }
  }

  static ResponseFormat responseFormat(String text) {
    int colon = text.indexOf(':');
    String kind = (colon < 0 ? text : text.substring(0, colon)).strip();
    String rest = colon < 0 ? "" : text.substring(colon + 1);
    ResponseFormat format =
        switch (kind) {
          case "text" -> ResponseFormat.TEXT;
          case "json-object" -> new ResponseFormat.JsonObject();
          case "json-schema" -> new ResponseFormat.JsonSchema(rest);
          case "columns" -> new ResponseFormat.JsonSchema(DdlSchema.jsonSchema(rest));
          case "regex" -> new ResponseFormat.Regex(rest);
          case "choice" -> new ResponseFormat.Choice(texts(rest.strip()));
          default ->
              throw new EngineException(
                  ErrorCode.INVALID_OPTION,
                  "the response format is "
                      + kind
                      + ", expected text, json-object, json-schema:{...}, columns:DDL,"
                      + " regex:PATTERN or choice:[...]");
        };
    LlmEngine.checkFormat(format);
    return format;
  }

  static <E extends Enum<E>> E choice(Class<E> type, String text) {
    List<String> names =
        Arrays.stream(type.getEnumConstants())
            .map(e -> e.name().toLowerCase(Locale.ROOT).replace('_', '-'))
            .toList();
    int index = names.indexOf(text.strip().toLowerCase(Locale.ROOT));
    if (index < 0) {
      throw new IllegalArgumentException("expected one of " + names);
    }
    return type.getEnumConstants()[index];
  }
}
