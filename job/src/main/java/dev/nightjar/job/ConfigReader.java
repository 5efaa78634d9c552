package dev.nightjar.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.udfs.NearestName;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Layers of texts by key (a file, Spark properties, the command line; later ones win), read with
 * the parsers of {@link ConfigKeys}. Problems are collected and thrown together by {@link
 * #throwProblems}.
 */
final class ConfigReader {
  private static final long MAX_FILE_BYTES = 1 << 20;

  private final Map<String, String> values = new LinkedHashMap<>();
  private final List<String> problems = new ArrayList<>();

  /** Adds a YAML file: sections become dotted keys, lists become JSON arrays. */
  void addFile(Path file) {
    try {
      if (Files.size(file) > MAX_FILE_BYTES) {
        problem(file + ": more than 1 MiB, expected a configuration file");
        return;
      }
      JsonNode root = YAMLMapper.builder().build().readTree(Files.readString(file));
      if (root.isObject()) {
        flatten(file.toString(), "", root);
      } else if (!root.isMissingNode() && !root.isNull()) {
        problem(file + ": expected sections and keys such as 'model: embedded'");
      }
    } catch (IOException e) {
      problem(file + ": cannot be read as YAML: " + firstLine(e));
    }
  }

  private void flatten(String origin, String prefix, JsonNode node) {
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      String key = prefix + entry.getKey();
      JsonNode value = entry.getValue();
      if (value.isObject()) {
        flatten(origin, key + ".", value);
      } else if (value.isArray()) {
        add(origin, key, value.toString());
      } else if (!value.isNull()) {
        add(origin, key, value.asText());
      }
    }
  }

  /** Adds one value; a key that does not exist is a problem. */
  void add(String origin, String key, String value) {
    if (isKnown(key)) {
      values.put(key, value);
    } else {
      List<String> names = ConfigKeys.all().stream().map(ConfigKey::name).toList();
      problem(origin + ": key '" + key + "' is unknown" + NearestName.hint(key, names));
    }
  }

  private static boolean isKnown(String key) {
    for (ConfigKey<?> known : ConfigKeys.all()) {
      if (known.name().equals(key)) {
        return true;
      }
    }
    for (ConfigKey<String> prefix : ConfigKeys.PREFIXES) {
      String start = prefixText(prefix);
      if (key.startsWith(start) && key.length() > start.length()) {
        return true;
      }
    }
    return false;
  }

  private static String prefixText(ConfigKey<String> prefix) {
    return prefix.name().substring(0, prefix.name().length() - 1);
  }

  /** The value or the default; empty where there is neither, or where the text is a problem. */
  <T> Optional<T> find(ConfigKey<T> key) {
    String text = values.get(key.name());
    if (text == null) {
      text = key.defaultText().orElse(null);
    }
    if (text == null) {
      return Optional.empty();
    }
    try {
      return Optional.of(key.parser().parse(text));
    } catch (EngineException | IllegalArgumentException e) {
      problem(key.name() + " is '" + text + "': " + firstLine(e));
      return Optional.empty();
    }
  }

  /** Whether the key was given. */
  boolean isGiven(ConfigKey<?> key) {
    return values.containsKey(key.name());
  }

  /**
   * All values below a prefix of {@link ConfigKeys#PREFIXES}; with {@code spark.} the names keep
   * it.
   */
  Map<String, String> below(String prefix) {
    Map<String, String> found = new LinkedHashMap<>();
    for (Map.Entry<String, String> entry : values.entrySet()) {
      if (entry.getKey().startsWith(prefix)) {
        String name =
            prefix.equals("spark.") ? entry.getKey() : entry.getKey().substring(prefix.length());
        found.put(name, entry.getValue());
      }
    }
    return found;
  }

  /** Notes a problem. */
  void problem(String message) {
    problems.add(message);
  }

  /** Throws all problems at once, if there are any. */
  void throwProblems() {
    if (problems.isEmpty()) {
      return;
    }
    String head =
        problems.size() == 1
            ? "the configuration has a problem:"
            : "the configuration has " + problems.size() + " problems:";
    throw new EngineException(
        ErrorCode.INVALID_OPTION, head + "\n  " + String.join("\n  ", problems));
  }

  private static String firstLine(Exception e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse(e.toString());
  }
}
