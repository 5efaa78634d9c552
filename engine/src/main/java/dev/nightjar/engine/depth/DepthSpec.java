package dev.nightjar.engine.depth;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * A depth policy as the user writes it: {@code name} or {@code name:key=value,key=value}. Lists
 * inside a value are joined with {@code +}.
 */
public record DepthSpec(String name, Map<String, String> options) {

  private static final Map<String, Set<String>> KNOWN =
      Map.of(
          "full", Set.of(),
          "unified", Set.of("keep", "prompt"),
          "static", Set.of("keep", "prompt", "artefact"),
          "random", Set.of("keep", "seed", "artefact"),
          "dllm", Set.of("artefact", "budget", "threshold"),
          "exit", Set.of("confidence", "threshold", "layers", "min-layer", "every"));

  public DepthSpec {
    options = Collections.unmodifiableMap(new TreeMap<>(options));
  }

  /**
   * Parses the text form; names and options that do not exist are errors that list those that do.
   */
  public static DepthSpec parse(String text) {
    String trimmed = text.trim();
    int colon = trimmed.indexOf(':');
    String name = colon < 0 ? trimmed : trimmed.substring(0, colon).trim();
    Set<String> known = KNOWN.get(name);
    if (known == null) {
      throw new EngineException(
          ErrorCode.INVALID_DEPTH,
          "depth policy \""
              + name
              + "\" is unknown; expected one of "
              + new TreeMap<>(KNOWN).keySet());
    }
    Map<String, String> options = new TreeMap<>();
    if (colon >= 0) {
      for (String part : trimmed.substring(colon + 1).split(",")) {
        int equals = part.indexOf('=');
        String key = equals < 0 ? part.trim() : part.substring(0, equals).trim();
        if (equals < 0 || !known.contains(key)) {
          throw new EngineException(
              ErrorCode.INVALID_DEPTH,
              "depth \""
                  + text
                  + "\" has option \""
                  + part.trim()
                  + "\"; expected key=value with a key of "
                  + name
                  + ": "
                  + new java.util.TreeSet<>(known));
        }
        options.put(key, part.substring(equals + 1).trim());
      }
    }
    return new DepthSpec(name, options);
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

  /** A text option, or the default when it is absent. */
  String text(String key, String orElse) {
    return options.getOrDefault(key, orElse);
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
