package dev.nightjar.engine.tokenizer.template;

import java.util.List;

/** What is carried out. */
sealed interface Statement {
  /** Line of the template, from 1. */
  int line();

  record Text(String text, int line) implements Statement {}

  record Output(Expression expression, int line) implements Statement {}

  /** {@code filter} may be null. */
  record For(
      List<String> targets,
      Expression items,
      Expression filter,
      List<Statement> body,
      List<Statement> otherwise,
      int line)
      implements Statement {}

  /** One condition of an {@code if}, {@code elif} or (always true) {@code else}. */
  record Branch(Expression condition, List<Statement> body) {}

  record If(List<Branch> branches, int line) implements Statement {}

  record SetNames(List<String> targets, Expression value, int line) implements Statement {}

  record SetAttribute(String object, String attribute, Expression value, int line)
      implements Statement {}

  /** {@code value} is the body's text, filtered; its innermost target is {@link #BODY}. */
  record SetBlock(String target, List<Statement> body, Expression value, int line)
      implements Statement {}

  record Parameter(String name, Expression fallback) {}

  record MacroDefinition(String name, List<Parameter> parameters, List<Statement> body, int line)
      implements Statement {}

  record CallBlock(MacroDefinition caller, Expression.Call call, int line) implements Statement {}

  /** {@code value} as in {@link SetBlock}. */
  record FilterBlock(List<Statement> body, Expression value, int line) implements Statement {}

  /** A body with a scope of its own and variables set at its start. */
  record With(List<SetNames> variables, List<Statement> body, int line) implements Statement {}

  /** A body that is just carried out. */
  record Group(List<Statement> body, int line) implements Statement {}

  record Break(int line) implements Statement {}

  record Continue(int line) implements Statement {}

  /** Name under which a block's text is handed to its filters; no template can spell it. */
  String BODY = " body";
}
