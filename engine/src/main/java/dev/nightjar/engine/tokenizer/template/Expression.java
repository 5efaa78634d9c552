package dev.nightjar.engine.tokenizer.template;

import java.util.List;
import java.util.Map;

/** What has a value. */
sealed interface Expression {
  /** Line of the template, from 1. */
  int line();

  record Literal(Object value, int line) implements Expression {}

  record Name(String name, int line) implements Expression {}

  record ListOf(List<Expression> items, int line) implements Expression {}

  record DictOf(List<Expression> keys, List<Expression> values, int line) implements Expression {}

  record Attribute(Expression target, String name, int line) implements Expression {}

  record Item(Expression target, Expression index, int line) implements Expression {}

  /** Bounds that were left out are null. */
  record Slice(Expression target, Expression start, Expression stop, Expression step, int line)
      implements Expression {}

  /** What stands between the brackets of a call. */
  record ArgumentList(List<Expression> positional, Map<String, Expression> named) {
    static final ArgumentList NONE = new ArgumentList(List.of(), Map.of());
  }

  record Call(Expression callee, ArgumentList arguments, int line) implements Expression {}

  record Filter(Expression target, String name, ArgumentList arguments, int line)
      implements Expression {}

  record Test(Expression target, String name, ArgumentList arguments, boolean negated, int line)
      implements Expression {}

  record Not(Expression operand, int line) implements Expression {}

  record Negate(Expression operand, int line) implements Expression {}

  /** {@code + - * / // % **}. */
  record Arithmetic(String operator, Expression left, Expression right, int line)
      implements Expression {}

  /** {@code a ~ b ~ c}. */
  record Concat(List<Expression> parts, int line) implements Expression {}

  record And(Expression left, Expression right, int line) implements Expression {}

  record Or(Expression left, Expression right, int line) implements Expression {}

  /** {@code first op operand op operand …}: every neighbouring pair must hold. */
  record Comparison(Expression first, List<String> operators, List<Expression> operands, int line)
      implements Expression {}

  /** {@code then if condition else otherwise}; {@code otherwise} may be null. */
  record Conditional(Expression condition, Expression then, Expression otherwise, int line)
      implements Expression {}
}
