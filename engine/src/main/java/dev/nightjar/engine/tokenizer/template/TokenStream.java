package dev.nightjar.engine.tokenizer.template;

import dev.nightjar.engine.tokenizer.template.Token.Kind;
import java.util.List;

/** The tokens of a template, read from front to back. */
final class TokenStream {
  private final List<Token> tokens;
  private int position;

  TokenStream(List<Token> tokens) {
    this.tokens = tokens;
  }

  Token peek() {
    return peek(0);
  }

  Token peek(int ahead) {
    return tokens.get(Math.min(position + ahead, tokens.size() - 1));
  }

  Token next() {
    Token token = peek();
    position++;
    return token;
  }

  int line() {
    return peek().line();
  }

  boolean skipOperator(String operator) {
    boolean found = peek().isOperator(operator);
    position += found ? 1 : 0;
    return found;
  }

  boolean skipName(String name) {
    boolean found = peek().isName(name);
    position += found ? 1 : 0;
    return found;
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw TemplateFault.at(line(), "found " + peek().shown() + ", expected \"" + operator + "\"");
    }
  }

  Token expectName(String what) {
    if (peek().kind() != Kind.NAME) {
      throw TemplateFault.at(line(), "found " + peek().shown() + ", expected " + what);
    }
    return next();
  }

  void expect(Kind kind, String what) {
    if (peek().kind() != kind) {
      throw TemplateFault.at(line(), "found " + peek().shown() + ", expected " + what);
    }
    position++;
  }
}
