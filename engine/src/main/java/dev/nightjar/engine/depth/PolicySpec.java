package dev.nightjar.engine.depth;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * One policy as the user writes it: {@code name} or {@code name:key=value,key=value}. Lists inside
 * a value are joined with {@code +}.
 */
public record PolicySpec(String name, Map<String, String> options) {

  public PolicySpec {
    options = Collections.unmodifiableMap(new TreeMap<>(options));
  }

  /**
   * Parses the text form; names and options that do not exist are errors that list those that do.
   */
  static PolicySpec parse(String text) {
    String trimmed = text.trim();
    int colon = trimmed.indexOf(':');
    String name = colon < 0 ? trimmed : trimmed.substring(0, colon).trim();
    PolicyFactory factory = Policies.find(name);
    if (factory == null) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "depth policy \"" + name + "\" is unknown; expected one of " + Policies.names());
    }
    Map<String, String> options = new TreeMap<>();
    if (colon >= 0) {
      for (String part : trimmed.substring(colon + 1).split(",")) {
        int equals = part.indexOf('=');
        String key = equals < 0 ? part.trim() : part.substring(0, equals).trim();
        if (equals < 0 || !factory.options().contains(key)) {
          throw new EngineException(
              ErrorCode.INVALID_DEPTH,
              "depth \""
                  + text
                  + "\" has option \""
                  + part.trim()
                  + "\"; expected key=value with a key of "
                  + name
                  + ": "
                  + new TreeSet<>(factory.options()));
        }
        options.put(key, part.substring(equals + 1).trim());
      }
    }
    return new PolicySpec(name, options);
  }

  /** Whether an option was given. */
  boolean has(String key) {
    return options.containsKey(key);
  }

  /** A number option, or the default when it is absent. */
  double number(String key, double orElse, double min, double max) {
    String value = options.get(key);
    if (value == null) {
      return orElse;
    }
    double parsed;
    try {
      parsed = Double.parseDouble(value);
    } catch (NumberFormatException e) {
      throw bad(key, value, "a number in [" + min + ", " + max + "]", e);
    }
    if (!(parsed >= min && parsed <= max)) {
      throw bad(key, value, "a number in [" + min + ", " + max + "]", null);
    }
    return parsed;
  }

  /** A whole-number option, or the default when it is absent. */
  int integer(String key, int orElse, int min, int max) {
    String value = options.get(key);
    if (value == null) {
      return orElse;
    }
    int parsed;
    try {
      parsed = Integer.parseInt(value);
    } catch (NumberFormatException e) {
      throw bad(key, value, "a whole number in [" + min + ", " + max + "]", e);
    }
    if (parsed < min || parsed > max) {
      throw bad(key, value, "a whole number in [" + min + ", " + max + "]", null);
    }
    return parsed;
  }

  /** A text option, or the default when it is absent. */
  String text(String key, String orElse) {
    return options.getOrDefault(key, orElse);
  }

  /** A yes-or-no option, or the default when it is absent. */
  boolean flag(String key, boolean orElse) {
    String value = options.get(key);
    if (value == null) {
      return orElse;
    }
    return switch (value) {
      case "true" -> true;
      case "false" -> false;
      default -> throw bad(key, value, "true or false", null);
    };
  }

  /** Layers joined with +, each in [0, max]; in the order given. */
  int[] layers(String key, int max) {
    String text = text(key, "");
    String[] parts = text.split("\\+");
    int[] layers = new int[parts.length];
    for (int i = 0; i < parts.length; i++) {
      try {
        layers[i] = Integer.parseInt(parts[i].trim());
      } catch (NumberFormatException e) {
        throw bad(key, text, "layers in [0, " + max + "] joined with +", e);
      }
      if (layers[i] < 0 || layers[i] > max) {
        throw bad(key, text, "layers in [0, " + max + "] joined with +", null);
      }
    }
    return layers;
  }

  EngineException bad(String key, String found, String expected, Throwable cause) {
    return new EngineException(
        ErrorCode.INVALID_DEPTH,
        "depth policy " + name + ": " + key + " is \"" + found + "\", expected " + expected,
        cause);
  }

  /** The canonical text: options in alphabetical order. */
  @Override
  public String toString() {
    if (options.isEmpty()) {
      return name;
    }
    StringBuilder out = new StringBuilder(name);
    char separator = ':';
    for (Map.Entry<String, String> option : options.entrySet()) {
      out.append(separator).append(option.getKey()).append('=').append(option.getValue());
      separator = ',';
    }
    return out.toString();
  }
}
