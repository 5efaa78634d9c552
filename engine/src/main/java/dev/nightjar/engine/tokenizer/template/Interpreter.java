package dev.nightjar.engine.tokenizer.template;

import java.util.ArrayList;
import java.util.List;

/** Carries out statements. One per rendering. */
final class Interpreter {
  private enum Signal {
    NORMAL,
    BREAK,
    CONTINUE
  }

  private final Budget budget;
  private final Evaluator evaluator;
  private int loopDepth;

  Interpreter(Budget budget) {
    this.budget = budget;
    this.evaluator = new Evaluator(budget);
  }

  Evaluator evaluator() {
    return evaluator;
  }

  /** The text the statements write. */
  String render(List<Statement> statements, Scope scope) {
    StringBuilder out = new StringBuilder();
    run(statements, scope, out);
    return out.toString();
  }

  /** Like {@link #render}, one call deeper. */
  String renderCall(List<Statement> statements, Scope scope) {
    budget.enterCall();
    int outerDepth = loopDepth;
    loopDepth = 0;
    String text = render(statements, scope);
    loopDepth = outerDepth;
    budget.leaveCall();
    return text;
  }

  private Signal run(List<Statement> statements, Scope scope, StringBuilder out) {
    for (Statement statement : statements) {
      budget.step(statement.line());
      Signal signal = run(statement, scope, out);
      if (signal != Signal.NORMAL) {
        return signal;
      }
    }
    return Signal.NORMAL;
  }

  private Signal run(Statement statement, Scope scope, StringBuilder out) {
    switch (statement) {
      case Statement.Text text -> write(text.text(), out);
      case Statement.Output output ->
          write(Values.text(evaluator.evaluate(output.expression(), scope), budget), out);
      case Statement.If branches -> {
        for (Statement.Branch branch : branches.branches()) {
          if (Values.isTrue(evaluator.evaluate(branch.condition(), scope))) {
            return run(branch.body(), scope, out);
          }
        }
      }
      case Statement.For loop -> {
        return runFor(loop, scope, out);
      }
      case Statement.SetNames set ->
          assign(set.targets(), evaluator.evaluate(set.value(), scope), scope);
      case Statement.SetAttribute set -> setAttribute(set, scope);
      case Statement.SetBlock set ->
          scope.set(set.target(), filtered(set.body(), set.value(), scope));
      case Statement.FilterBlock block ->
          write(Values.text(filtered(block.body(), block.value(), scope), budget), out);
      case Statement.MacroDefinition definition ->
          scope.set(definition.name(), new Macro(this, definition, scope));
      case Statement.CallBlock call -> write(call(call, scope), out);
      case Statement.With with -> {
        Scope inner = new Scope(scope);
        for (Statement.SetNames variable : with.variables()) {
          assign(variable.targets(), evaluator.evaluate(variable.value(), scope), inner);
        }
        return run(with.body(), inner, out);
      }
      case Statement.Group group -> {
        return run(group.body(), scope, out);
      }
      case Statement.Break _ -> {
        return Signal.BREAK;
      }
      case Statement.Continue _ -> {
        return Signal.CONTINUE;
      }
    }
    return Signal.NORMAL;
  }

  private void write(String text, StringBuilder out) {
    budget.spendChars(text.length());
    budget.checkLength((long) out.length() + text.length());
    out.append(text);
  }

  private Signal runFor(Statement.For loop, Scope scope, StringBuilder out) {
    List<Object> items = evaluator.iterate(evaluator.evaluate(loop.items(), scope));
    if (loop.filter() != null) {
      List<Object> kept = new ArrayList<>();
      for (Object item : items) {
        Scope inner = new Scope(scope);
        assign(loop.targets(), item, inner);
        if (Values.isTrue(evaluator.evaluate(loop.filter(), inner))) {
          kept.add(item);
        }
      }
      items = kept;
    }
    if (items.isEmpty()) {
      return run(loop.otherwise(), new Scope(scope), out);
    }
    LoopState state = new LoopState(items, loopDepth++);
    for (int i = 0; i < items.size(); i++) {
      budget.step(loop.line());
      state.moveTo(i);
      Scope inner = new Scope(scope);
      inner.set("loop", state);
      assign(loop.targets(), items.get(i), inner);
      if (run(loop.body(), inner, out) == Signal.BREAK) {
        break;
      }
    }
    loopDepth--;
    return Signal.NORMAL;
  }

  private void assign(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), value);
      return;
    }
    List<Object> parts = evaluator.iterate(value);
    if (parts.size() != targets.size()) {
      throw budget.fault(
          "%d values cannot be unpacked into %d names".formatted(parts.size(), targets.size()));
    }
    for (int i = 0; i < parts.size(); i++) {
      scope.set(targets.get(i), parts.get(i));
    }
  }

  private void setAttribute(Statement.SetAttribute set, Scope scope) {
    Object object = scope.get(set.object());
    if (!(object instanceof Namespace namespace)) {
      throw budget.fault(
          "\"%s\" is %s, but only attributes of namespaces can be set"
              .formatted(set.object(), Values.typeName(object)));
    }
    namespace.attributes().put(set.attribute(), evaluator.evaluate(set.value(), scope));
  }

  private Object filtered(List<Statement> body, Expression value, Scope scope) {
    Scope inner = new Scope(scope);
    String text = render(body, inner);
    inner.set(Statement.BODY, text);
    return evaluator.evaluate(value, inner);
  }

  private String call(Statement.CallBlock call, Scope scope) {
    Object callee = evaluator.evaluate(call.call().callee(), scope);
    if (!(callee instanceof Macro macro)) {
      throw budget.fault("call needs a macro, found " + Values.typeName(callee));
    }
    Arguments arguments = evaluator.arguments(call.call().arguments(), scope, call.line());
    return Values.text(macro.call(arguments, new Macro(this, call.caller(), scope)), budget);
  }
}
