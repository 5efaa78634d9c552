package dev.nightjar.engine.tokenizer.template;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.List;
import java.util.Map;

/**
 * A parsed Jinja template, rendered as Hugging Face renders chat templates: trim_blocks and
 * lstrip_blocks, loop controls, sandboxed and without changing any value. Nothing in it reaches
 * Java objects, files or the clock. Immutable and safe for concurrent use. Every fault is a {@code
 * TEMPLATE_ERROR} that names the line.
 */
public final class Template {
  private static final int MAX_SOURCE = 1 << 20;

  private final List<Statement> statements;

  private Template(List<Statement> statements) {
    this.statements = statements;
  }

  /** Parses a template of at most a million characters. */
  public static Template parse(String source) {
    if (source.length() > MAX_SOURCE) {
      throw new EngineException(
          ErrorCode.TEMPLATE_ERROR,
          "chat template: it has %d characters, expected at most %d"
              .formatted(source.length(), MAX_SOURCE));
    }
    try {
      return new Template(new Parser(new Lexer(source).tokens()).parse());
    } catch (StackOverflowError e) {
      throw tooDeep(e);
    }
  }

  /** Renders with {@link TemplateOptions#DEFAULT}. */
  public String render(Map<String, Object> variables) {
    return render(variables, TemplateOptions.DEFAULT);
  }

  /**
   * Renders the template.
   *
   * @param variables null, Boolean, Long, Double, String, and Lists and Maps of such
   */
  public String render(Map<String, Object> variables, TemplateOptions options) {
    Budget budget = new Budget(options, Variables.countChars(variables));
    Scope globals = new Scope(null);
    Globals.all(budget, options).forEach(globals::set);
    variables.forEach(globals::set);
    try {
      return new Interpreter(budget).render(statements, new Scope(globals));
    } catch (StackOverflowError e) {
      throw tooDeep(e);
    }
  }

  private static EngineException tooDeep(StackOverflowError cause) {
    return new EngineException(
        ErrorCode.TEMPLATE_ERROR,
        "chat template: expressions or values are nested too deep",
        cause);
  }
}
