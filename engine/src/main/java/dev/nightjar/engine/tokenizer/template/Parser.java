package dev.nightjar.engine.tokenizer.template;

import dev.nightjar.engine.tokenizer.template.Expression.ArgumentList;
import dev.nightjar.engine.tokenizer.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Recursive descent over statements. */
final class Parser {
  private static final int MAX_NESTING = 100;

  private final TokenStream tokens;
  private final ExpressionParser expressions;
  private int nesting;
  private int loops;

  Parser(List<Token> tokens) {
    this.tokens = new TokenStream(tokens);
    this.expressions = new ExpressionParser(this.tokens);
  }

  List<Statement> parse() {
    List<Statement> statements = body(Set.of());
    if (tokens.peek().kind() != Kind.END) {
      Token stray = tokens.peek(1);
      throw TemplateFault.at(stray.line(), "unexpected statement " + stray.shown());
    }
    return statements;
  }

  /** Statements up to a block that starts with one of these words, which is left where it is. */
  private List<Statement> body(Set<String> ends) {
    if (++nesting > MAX_NESTING) {
      throw TemplateFault.at(
          tokens.line(), "statements are nested more than " + MAX_NESTING + " deep");
    }
    List<Statement> statements = new ArrayList<>();
    while (tokens.peek().kind() != Kind.END) {
      Token token = tokens.peek();
      if (token.kind() == Kind.BLOCK_BEGIN) {
        Token word = tokens.peek(1);
        boolean isEnd = word.text().startsWith("end") || word.text().startsWith("el");
        if (isEnd || ends.contains(word.text())) {
          break;
        }
      }
      statements.add(statement());
    }
    nesting--;
    return List.copyOf(statements);
  }

  /** Statements up to the block with this one word, which is consumed. */
  private List<Statement> bodyUntil(String end) {
    List<Statement> statements = body(Set.of(end));
    endOf(end);
    return statements;
  }

  private void endOf(String end) {
    if (tokens.peek().kind() != Kind.BLOCK_BEGIN || !tokens.peek(1).isName(end)) {
      Token found = tokens.peek().kind() == Kind.BLOCK_BEGIN ? tokens.peek(1) : tokens.peek();
      throw TemplateFault.at(
          found.line(), "found " + found.shown() + ", expected {% " + end + " %}");
    }
    tokens.next();
    tokens.next();
    blockEnd();
  }

  private void blockEnd() {
    tokens.expect(Kind.BLOCK_END, "%}");
  }

  private Statement statement() {
    Token token = tokens.next();
    int line = token.line();
    switch (token.kind()) {
      case TEXT -> {
        return new Statement.Text(token.text(), line);
      }
      case OUTPUT_BEGIN -> {
        Expression value = expressions.parseTuple();
        tokens.expect(Kind.OUTPUT_END, "}}");
        return new Statement.Output(value, line);
      }
      case BLOCK_BEGIN -> {
        return block(tokens.expectName("a statement"));
      }
      default -> throw TemplateFault.at(line, "unexpected " + token.shown());
    }
  }

  private Statement block(Token word) {
    int line = word.line();
    return switch (word.text()) {
      case "for" -> parseFor(line);
      case "if" -> parseIf(line);
      case "set" -> parseSet(line);
      case "macro" -> parseMacro(line);
      case "call" -> parseCall(line);
      case "filter" -> {
        Expression value =
            filters(expressions.parseFilter(new Expression.Name(Statement.BODY, line)));
        blockEnd();
        yield new Statement.FilterBlock(bodyUntil("endfilter"), value, line);
      }
      case "with" -> parseWith(line);
      case "generation" -> {
        blockEnd();
        yield new Statement.Group(bodyUntil("endgeneration"), line);
      }
      case "break", "continue" -> {
        if (loops == 0) {
          throw TemplateFault.at(line, word.text() + " outside a loop");
        }
        blockEnd();
        yield word.text().equals("break")
            ? new Statement.Break(line)
            : new Statement.Continue(line);
      }
      default ->
          throw TemplateFault.at(
              line,
              "the statement %s is not supported, expected for, if, set, macro, call, filter, with"
                  .formatted(word.shown()));
    };
  }

  private Statement parseFor(int line) {
    List<String> targets = targets();
    if (!tokens.skipName("in")) {
      throw TemplateFault.at(tokens.line(), "found " + tokens.peek().shown() + ", expected \"in\"");
    }
    Expression items = forItems();
    Expression filter = tokens.skipName("if") ? expressions.parse() : null;
    if (tokens.peek().isName("recursive")) {
      throw TemplateFault.at(line, "recursive loops are not supported, use a macro");
    }
    blockEnd();
    loops++;
    List<Statement> body = body(Set.of("else", "endfor"));
    loops--;
    List<Statement> otherwise = List.of();
    if (tokens.peek(1).isName("else")) {
      tokens.next();
      tokens.next();
      blockEnd();
      otherwise = body(Set.of("endfor"));
    }
    endOf("endfor");
    return new Statement.For(targets, items, filter, body, otherwise, line);
  }

  private Expression forItems() {
    int line = tokens.line();
    Expression first = expressions.parseOr();
    if (!tokens.peek().isOperator(",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (tokens.skipOperator(",")) {
      items.add(expressions.parseOr());
    }
    return new Expression.ListOf(items, line);
  }

  /** One name, or several with commas, possibly in brackets. */
  private List<String> targets() {
    boolean bracketed = tokens.skipOperator("(");
    List<String> names = new ArrayList<>();
    do {
      names.add(tokens.expectName("the name of a variable").text());
    } while (tokens.skipOperator(","));
    if (bracketed) {
      tokens.expectOperator(")");
    }
    return List.copyOf(names);
  }

  private Statement parseIf(int line) {
    List<Statement.Branch> branches = new ArrayList<>();
    Expression condition = expressions.parse();
    blockEnd();
    while (true) {
      branches.add(new Statement.Branch(condition, body(Set.of("elif", "else", "endif"))));
      if (tokens.peek(1).isName("elif")) {
        tokens.next();
        tokens.next();
        condition = expressions.parse();
        blockEnd();
      } else if (tokens.peek(1).isName("else")) {
        tokens.next();
        tokens.next();
        blockEnd();
        Expression always = new Expression.Literal(true, line);
        branches.add(new Statement.Branch(always, body(Set.of("endif"))));
        break;
      } else {
        break;
      }
    }
    endOf("endif");
    return new Statement.If(branches, line);
  }

  private Statement parseSet(int line) {
    if (tokens.peek(1).isOperator(".")) {
      String object = tokens.expectName("the name of a namespace").text();
      tokens.next();
      String attribute = tokens.expectName("the name of an attribute").text();
      tokens.expectOperator("=");
      Expression value = expressions.parseTuple();
      blockEnd();
      return new Statement.SetAttribute(object, attribute, value, line);
    }
    List<String> targets = targets();
    if (tokens.skipOperator("=")) {
      Expression value = expressions.parseTuple();
      blockEnd();
      return new Statement.SetNames(targets, value, line);
    }
    if (targets.size() != 1) {
      throw TemplateFault.at(line, "a set block has several names, expected one");
    }
    Expression value = filters(new Expression.Name(Statement.BODY, line));
    blockEnd();
    return new Statement.SetBlock(targets.getFirst(), bodyUntil("endset"), value, line);
  }

  /** The filters behind a bar each, applied to a value. */
  private Expression filters(Expression target) {
    Expression value = target;
    int count = 0;
    while (tokens.skipOperator("|")) {
      if (++count > MAX_NESTING) {
        throw TemplateFault.at(tokens.line(), "more than " + MAX_NESTING + " filters in a row");
      }
      value = expressions.parseFilter(value);
    }
    return value;
  }

  private Statement.MacroDefinition parseMacro(int line) {
    String name = tokens.expectName("the name of a macro").text();
    tokens.expectOperator("(");
    List<Statement.Parameter> parameters = parameters();
    blockEnd();
    return new Statement.MacroDefinition(name, parameters, function("endmacro"), line);
  }

  /** The body of a macro: loops around it do not count. */
  private List<Statement> function(String end) {
    int outerLoops = loops;
    loops = 0;
    List<Statement> body = bodyUntil(end);
    loops = outerLoops;
    return body;
  }

  private List<Statement.Parameter> parameters() {
    List<Statement.Parameter> parameters = new ArrayList<>();
    while (!tokens.skipOperator(")")) {
      String name = tokens.expectName("the name of a parameter").text();
      Expression fallback = tokens.skipOperator("=") ? expressions.parse() : null;
      parameters.add(new Statement.Parameter(name, fallback));
      if (!tokens.peek().isOperator(")")) {
        tokens.expectOperator(",");
      }
    }
    return List.copyOf(parameters);
  }

  private Statement parseCall(int line) {
    List<Statement.Parameter> parameters = tokens.skipOperator("(") ? parameters() : List.of();
    Expression expression = expressions.parse();
    if (!(expression instanceof Expression.Call call)) {
      throw TemplateFault.at(line, "found no call, expected one of a macro");
    }
    blockEnd();
    Statement.MacroDefinition caller =
        new Statement.MacroDefinition("caller", parameters, function("endcall"), line);
    ArgumentList arguments = call.arguments();
    return new Statement.CallBlock(
        caller,
        new Expression.Call(
            call.callee(),
            new ArgumentList(arguments.positional(), Map.copyOf(arguments.named())),
            line),
        line);
  }

  private Statement parseWith(int line) {
    List<Statement.SetNames> variables = new ArrayList<>();
    while (tokens.peek().kind() != Kind.BLOCK_END) {
      String name = tokens.expectName("the name of a variable").text();
      tokens.expectOperator("=");
      variables.add(new Statement.SetNames(List.of(name), expressions.parse(), line));
      if (!tokens.skipOperator(",")) {
        break;
      }
    }
    blockEnd();
    return new Statement.With(variables, bodyUntil("endwith"), line);
  }
}
