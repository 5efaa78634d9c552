package dev.nightjar.engine.constraint;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Reads what a JSON Schema says of strings. */
final class StringSchema {
  private StringSchema() {}

  static Language read(JsonNode schema, String path) {
    int min = Keywords.count(schema, "minLength", 0, path);
    int max = Keywords.count(schema, "maxLength", Language.Repeat.UNBOUNDED, path);
    if (max >= 0 && max < min) {
      throw SchemaReader.fault(path, "has maxLength " + max + " below minLength " + min);
    }
    List<Language> contents = new ArrayList<>();
    if (schema.has("pattern")) {
      contents.add(RegexParser.anywhere(schema.get("pattern").asText()));
    }
    if (schema.has("format")) {
      contents.add(format(schema.get("format").asText(), path));
    }
    if (contents.isEmpty()) {
      return JsonText.string(min, max);
    }
    if (min > 0 || max >= 0) {
      contents.add(new Language.Repeat(new Language.OneOf(CharacterSet.ALL), min, max));
    }
    Language content = contents.getFirst();
    for (int i = 1; i < contents.size(); i++) {
      content = new Language.Both(content, contents.get(i));
    }
    return JsonText.string(content);
  }

  private static Language format(String name, String path) {
    Language format = Formats.of(name);
    if (format == null) {
      throw SchemaReader.fault(
          path + "/format",
          "is " + name + ", which is not supported; supported are " + Formats.NAMES);
    }
    return format;
  }
}
