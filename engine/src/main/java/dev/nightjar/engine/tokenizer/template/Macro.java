package dev.nightjar.engine.tokenizer.template;

import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** A macro with the scope it was defined in. */
record Macro(Interpreter interpreter, Statement.MacroDefinition definition, Scope scope)
    implements Callable {
  @Override
  public Object call(Arguments arguments) {
    return call(arguments, null);
  }

  /** Calls the macro with a body for {@code caller()}, or null. */
  Object call(Arguments arguments, Macro caller) {
    List<Statement.Parameter> parameters = definition.parameters();
    if (arguments.positional().size() > parameters.size()) {
      throw TemplateFault.at(
          arguments.line(),
          "%s takes at most %d arguments, found %d"
              .formatted(definition.name(), parameters.size(), arguments.positional().size()));
    }
    Set<String> unknown = new HashSet<>(arguments.named().keySet());
    Scope inner = new Scope(scope);
    if (caller != null) {
      inner.set("caller", caller);
    }
    for (int i = 0; i < parameters.size(); i++) {
      Statement.Parameter parameter = parameters.get(i);
      unknown.remove(parameter.name());
      Object value;
      if (i < arguments.positional().size()) {
        value = arguments.positional().get(i);
      } else if (arguments.named().containsKey(parameter.name())) {
        value = arguments.named().get(parameter.name());
      } else if (parameter.fallback() != null) {
        value = interpreter.evaluator().evaluate(parameter.fallback(), inner);
      } else {
        value = new Undefined("the parameter \"" + parameter.name() + "\"");
      }
      inner.set(parameter.name(), value);
    }
    if (!unknown.isEmpty()) {
      throw TemplateFault.at(
          arguments.line(), definition.name() + " has no parameter named " + unknown);
    }
    return interpreter.renderCall(definition.body(), inner);
  }
}
