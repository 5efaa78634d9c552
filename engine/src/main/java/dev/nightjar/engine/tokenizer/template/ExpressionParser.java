package dev.nightjar.engine.tokenizer.template;

import dev.nightjar.engine.tokenizer.template.Expression.ArgumentList;
import dev.nightjar.engine.tokenizer.template.Token.Kind;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Recursive descent over expressions, with Jinja's precedence. */
final class ExpressionParser {
  private static final int MAX_NESTING = 100;
  private static final int MAX_CHAIN = 500;
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");
  private static final Set<String> SUMS = Set.of("+", "-");
  private static final Set<String> PRODUCTS = Set.of("*", "/", "//", "%");
  private static final Set<String> NO_TEST_ARGUMENT =
      Set.of("else", "or", "and", "if", "in", "not", "is");

  private final TokenStream tokens;
  private int nesting;

  ExpressionParser(TokenStream tokens) {
    this.tokens = tokens;
  }

  /** An expression, possibly with {@code if … else}. */
  Expression parse() {
    enter();
    int line = tokens.line();
    Expression value = parseOr();
    int chain = 0;
    while (tokens.skipName("if")) {
      checkChain(++chain);
      Expression condition = parseOr();
      Expression otherwise = tokens.skipName("else") ? parse() : null;
      value = new Expression.Conditional(condition, value, otherwise, line);
    }
    nesting--;
    return value;
  }

  /** An expression, or several with commas between as a tuple. */
  Expression parseTuple() {
    int line = tokens.line();
    Expression first = parse();
    if (!tokens.peek().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      Kind kind = tokens.peek().kind();
      if (kind == Kind.BLOCK_END || kind == Kind.OUTPUT_END || tokens.peek().isOperator(")")) {
        break;
      }
      items.add(parse());
    }
    return new Expression.ListOf(items, line);
  }

  /** An expression without {@code if}, as the items of a for. */
  Expression parseOr() {
    enter();
    Expression left = parseAnd();
    int chain = 0;
    while (tokens.peek().isName("or")) {
      checkChain(++chain);
      int line = tokens.next().line();
      left = new Expression.Or(left, parseAnd(), line);
    }
    nesting--;
    return left;
  }

  private Expression parseAnd() {
    Expression left = parseNot();
    int chain = 0;
    while (tokens.peek().isName("and")) {
      checkChain(++chain);
      int line = tokens.next().line();
      left = new Expression.And(left, parseNot(), line);
    }
    return left;
  }

  private Expression parseNot() {
    if (!tokens.peek().isName("not")) {
      return parseComparison();
    }
    enter();
    int line = tokens.next().line();
    Expression negated = new Expression.Not(parseNot(), line);
    nesting--;
    return negated;
  }

  private Expression parseComparison() {
    int line = tokens.line();
    Expression first = parseSum();
    List<String> operators = new ArrayList<>();
    List<Expression> operands = new ArrayList<>();
    while (true) {
      Token token = tokens.peek();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        operators.add(tokens.next().text());
      } else if (tokens.skipName("in")) {
        operators.add("in");
      } else if (token.isName("not") && tokens.peek(1).isName("in")) {
        tokens.next();
        tokens.next();
        operators.add("not in");
      } else {
        break;
      }
      operands.add(parseSum());
    }
    return operators.isEmpty()
        ? first
        : new Expression.Comparison(first, operators, operands, line);
  }

  private Expression parseSum() {
    Expression left = parseConcat();
    int chain = 0;
    while (tokens.peek().kind() == Kind.OPERATOR && SUMS.contains(tokens.peek().text())) {
      checkChain(++chain);
      Token operator = tokens.next();
      left = new Expression.Arithmetic(operator.text(), left, parseConcat(), operator.line());
    }
    return left;
  }

  private Expression parseConcat() {
    int line = tokens.line();
    Expression first = parseProduct();
    if (!tokens.peek().isOperator("~")) {
      return first;
    }
    List<Expression> parts = new ArrayList<>(List.of(first));
    while (tokens.skipOperator("~")) {
      parts.add(parseProduct());
    }
    return new Expression.Concat(parts, line);
  }

  private Expression parseProduct() {
    Expression left = parsePower();
    int chain = 0;
    while (tokens.peek().kind() == Kind.OPERATOR && PRODUCTS.contains(tokens.peek().text())) {
      checkChain(++chain);
      Token operator = tokens.next();
      left = new Expression.Arithmetic(operator.text(), left, parsePower(), operator.line());
    }
    return left;
  }

  private Expression parsePower() {
    Expression left = parseUnary(true);
    int chain = 0;
    while (tokens.peek().isOperator("**")) {
      checkChain(++chain);
      int line = tokens.next().line();
      left = new Expression.Arithmetic("**", left, parseUnary(true), line);
    }
    return left;
  }

  private Expression parseUnary(boolean withFilters) {
    enter();
    int line = tokens.line();
    Expression value;
    if (tokens.skipOperator("-")) {
      value = new Expression.Negate(parseUnary(false), line);
    } else if (tokens.skipOperator("+")) {
      value = parseUnary(false);
    } else {
      value = parsePostfix(parsePrimary());
    }
    nesting--;
    return withFilters ? parseFilters(value) : value;
  }

  private Expression parsePrimary() {
    Token token = tokens.next();
    int line = token.line();
    return switch (token.kind()) {
      case NAME -> name(token);
      case STRING -> {
        StringBuilder text = new StringBuilder(token.text());
        while (tokens.peek().kind() == Kind.STRING) {
          text.append(tokens.next().text());
        }
        yield new Expression.Literal(text.toString(), line);
      }
      case INTEGER -> integer(token);
      case FLOAT -> new Expression.Literal(Double.parseDouble(token.text()), line);
      case OPERATOR -> bracket(token);
      default -> throw TemplateFault.at(line, "found " + token.shown() + ", expected a value");
    };
  }

  private static Expression integer(Token token) {
    BigInteger value = token.text().length() > 19 ? null : new BigInteger(token.text());
    if (value == null || value.bitLength() > 63) {
      throw TemplateFault.at(token.line(), "the number " + token.shown() + " is too large");
    }
    return new Expression.Literal(value.longValue(), token.line());
  }

  private static Expression name(Token token) {
    return switch (token.text()) {
      case "true", "True" -> new Expression.Literal(true, token.line());
      case "false", "False" -> new Expression.Literal(false, token.line());
      case "none", "None" -> new Expression.Literal(null, token.line());
      default -> new Expression.Name(token.text(), token.line());
    };
  }

  private Expression bracket(Token token) {
    switch (token.text()) {
      case "(" -> {
        if (tokens.skipOperator(")")) {
          return new Expression.ListOf(List.of(), token.line());
        }
        Expression inner = parseTuple();
        tokens.expectOperator(")");
        return inner;
      }
      case "[" -> {
        List<Expression> items = new ArrayList<>();
        while (!tokens.skipOperator("]")) {
          items.add(parse());
          separator("]");
        }
        return new Expression.ListOf(items, token.line());
      }
      case "{" -> {
        List<Expression> keys = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.skipOperator("}")) {
          keys.add(parse());
          tokens.expectOperator(":");
          values.add(parse());
          separator("}");
        }
        return new Expression.DictOf(keys, values, token.line());
      }
      default ->
          throw TemplateFault.at(token.line(), "found " + token.shown() + ", expected a value");
    }
  }

  private void separator(String end) {
    if (!tokens.peek().isOperator(end)) {
      tokens.expectOperator(",");
    }
  }

  private Expression parsePostfix(Expression start) {
    Expression value = start;
    int chain = 0;
    while (true) {
      checkChain(++chain);
      int line = tokens.line();
      if (tokens.skipOperator(".")) {
        Token name = tokens.next();
        value =
            switch (name.kind()) {
              case NAME -> new Expression.Attribute(value, name.text(), line);
              case INTEGER -> new Expression.Item(value, integer(name), line);
              default ->
                  throw TemplateFault.at(line, "found " + name.shown() + ", expected a name");
            };
      } else if (tokens.skipOperator("[")) {
        value = parseSubscript(value, line);
      } else if (tokens.skipOperator("(")) {
        value = new Expression.Call(value, parseArguments(), line);
      } else {
        return value;
      }
    }
  }

  private Expression parseSubscript(Expression target, int line) {
    Expression start = tokens.peek().isOperator(":") ? null : parseTuple();
    if (tokens.skipOperator("]")) {
      return new Expression.Item(target, start, line);
    }
    tokens.expectOperator(":");
    Expression stop = null;
    Expression step = null;
    if (!tokens.peek().isOperator(":") && !tokens.peek().isOperator("]")) {
      stop = parse();
    }
    if (tokens.skipOperator(":") && !tokens.peek().isOperator("]")) {
      step = parse();
    }
    tokens.expectOperator("]");
    return new Expression.Slice(target, start, stop, step, line);
  }

  /** The arguments behind an opening bracket, and the closing one. */
  ArgumentList parseArguments() {
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!tokens.skipOperator(")")) {
      if (tokens.peek().kind() == Kind.NAME && tokens.peek(1).isOperator("=")) {
        String name = tokens.next().text();
        tokens.next();
        named.put(name, parse());
      } else if (named.isEmpty()) {
        positional.add(parse());
      } else {
        throw TemplateFault.at(tokens.line(), "a positional argument follows a named one");
      }
      separator(")");
    }
    return new ArgumentList(positional, named);
  }

  /** Filters, tests and calls behind a value. */
  private Expression parseFilters(Expression start) {
    Expression value = start;
    int chain = 0;
    while (true) {
      checkChain(++chain);
      if (tokens.skipOperator("|")) {
        value = parseFilter(value);
      } else if (tokens.skipName("is")) {
        value = parseTest(value);
      } else if (tokens.peek().isOperator("(")) {
        int line = tokens.next().line();
        value = new Expression.Call(value, parseArguments(), line);
      } else {
        return value;
      }
    }
  }

  /** A filter's name and arguments behind the bar. */
  Expression parseFilter(Expression target) {
    Token name = tokens.expectName("the name of a filter");
    ArgumentList arguments = tokens.skipOperator("(") ? parseArguments() : ArgumentList.NONE;
    return new Expression.Filter(target, name.text(), arguments, name.line());
  }

  private Expression parseTest(Expression target) {
    boolean negated = tokens.skipName("not");
    Token name = tokens.expectName("the name of a test");
    ArgumentList arguments = ArgumentList.NONE;
    Token next = tokens.peek();
    if (tokens.skipOperator("(")) {
      arguments = parseArguments();
    } else if (startsTestArgument(next)) {
      arguments = new ArgumentList(List.of(parsePostfix(parsePrimary())), Map.of());
    }
    return new Expression.Test(target, name.text(), arguments, negated, name.line());
  }

  private static boolean startsTestArgument(Token token) {
    return switch (token.kind()) {
      case NAME -> !NO_TEST_ARGUMENT.contains(token.text());
      case STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> token.text().equals("[") || token.text().equals("{");
      default -> false;
    };
  }

  private void enter() {
    if (++nesting > MAX_NESTING * 3) {
      throw TemplateFault.at(
          tokens.line(), "expressions are nested more than " + MAX_NESTING + " deep");
    }
  }

  private void checkChain(int length) {
    if (length > MAX_CHAIN) {
      throw TemplateFault.at(
          tokens.line(), "an expression has more than " + MAX_CHAIN + " operators in a row");
    }
  }
}
