package dev.nightjar.udfs;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * A text with placeholders for columns, as in <code>"Classify: {{subject}}"</code>. A placeholder
 * is a column name or a path into nested structs; spaces around it are ignored. Four opening braces
 * stand for two literal ones; everything else is taken as it is.
 */
public record PromptTemplate(List<Part> parts) implements Serializable {

  /** A piece of the template. */
  public sealed interface Part extends Serializable {}

  /** Text that is the same in every row. */
  public record Literal(String text) implements Part {}

  /** The value of a column. */
  public record Column(String path) implements Part {}

  public PromptTemplate {
    parts = List.copyOf(parts);
  }

  /**
   * Parses a template; one without any placeholder is an error, for every row would get the same
   * prompt.
   */
  public static PromptTemplate parse(String template) {
    List<Part> parts = new ArrayList<>();
    StringBuilder literal = new StringBuilder();
    int at = 0;
    while (at < template.length()) {
      if (template.startsWith("{{{{", at)) {
        literal.append("{{");
        at += 4;
      } else if (template.startsWith("{{", at)) {
        int end = template.indexOf("}}", at + 2);
        String name = end < 0 ? "" : template.substring(at + 2, end).strip();
        if (name.isEmpty() || name.contains("{")) {
          throw new EngineException(
              ErrorCode.INVALID_OPTION,
              "prompt template: the '{{' at character "
                  + at
                  + (end < 0 ? " has no '}}'" : " is not followed by a column name")
                  + ", expected {{column}}; write {{{{ for a literal {{");
        }
        if (!literal.isEmpty()) {
          parts.add(new Literal(literal.toString()));
          literal.setLength(0);
        }
        parts.add(new Column(name));
        at = end + 2;
      } else {
        literal.append(template.charAt(at));
        at++;
      }
    }
    if (!literal.isEmpty()) {
      parts.add(new Literal(literal.toString()));
    }
    if (parts.stream().noneMatch(Column.class::isInstance)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "prompt template: no {{column}} in it, so every row would get the same prompt; name at"
              + " least one column");
    }
    return new PromptTemplate(parts);
  }
}
