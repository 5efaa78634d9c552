package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.NamedExpression$;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.types.Metadata;

/**
 * The inputs of one operator while its calls are put below it: each call becomes an {@link
 * LlmEvaluation} on the first input that has all its columns, unless that input has the result
 * already. Confined to one rule application.
 */
final class Placement {

  /**
   * A plan with results of calls among its columns.
   *
   * @param results columns by the canonical form of the call whose result they are
   */
  record Input(LogicalPlan plan, Map<Expression, Attribute> results) {}

  private final LogicalPlan operator;
  private final List<LogicalPlan> plans = new ArrayList<>();
  private final List<Map<Expression, Attribute>> results = new ArrayList<>();

  Placement(LogicalPlan operator, List<Input> inputs) {
    this.operator = operator;
    for (Input input : inputs) {
      plans.add(input.plan());
      results.add(new HashMap<>(input.results()));
    }
  }

  /** The inputs, with all that was put on them. */
  List<Input> inputs() {
    List<Input> inputs = new ArrayList<>();
    for (int i = 0; i < plans.size(); i++) {
      inputs.add(new Input(plans.get(i), results.get(i)));
    }
    return inputs;
  }

  /** Puts the calls of some expressions below the operator; their results by canonical form. */
  Map<Expression, Attribute> place(List<Expression> expressions) {
    Map<Expression, Attribute> placed = new HashMap<>();
    for (GuardedCalls.Guarded guarded : GuardedCalls.of(expressions)) {
      placed.put(guarded.call().canonicalized(), place(guarded.call(), guarded.guard()));
    }
    return placed;
  }

  private Attribute place(LlmCall call, Optional<Expression> guard) {
    for (Map<Expression, Attribute> known : results) {
      Attribute result = known.get(call.canonicalized());
      if (result != null) {
        return result;
      }
    }
    int index = inputOf(call);
    boolean isGuarded =
        guard.isPresent() && guard.get().references().subsetOf(plans.get(index).outputSet());
    List<Expression> arguments = new ArrayList<>(Seqs.list(call.children()));
    if (isGuarded) {
      Expression prompt = arguments.getFirst();
      Literal nothing = Literal.create(null, prompt.dataType());
      arguments.set(0, new If(guard.get(), prompt, nothing));
    }
    Map<Expression, Attribute> nested = place(arguments);
    arguments.replaceAll(argument -> Calls.replace(argument, nested));
    AttributeReference result =
        new AttributeReference(
            call.task().function(),
            call.dataType(),
            true,
            Metadata.empty(),
            NamedExpression$.MODULE$.newExprId(),
            Seqs.of(List.of()));
    plans.set(index, new LlmEvaluation(call.withArguments(arguments), result, plans.get(index)));
    if (!isGuarded) {
      results.get(index).put(call.canonicalized(), result);
    }
    return result;
  }

  private int inputOf(LlmCall call) {
    for (int i = 0; i < plans.size(); i++) {
      if (call.references().subsetOf(plans.get(i).outputSet())) {
        return i;
      }
    }
    throw new EngineException(
        ErrorCode.INVALID_OPTION,
        call.task().function()
            + " cannot run inside "
            + operator.nodeName()
            + ": no single input has the columns of "
            + call
            + "; compute it in a subquery first, or use "
            + call.task().function()
            + "_row");
  }
}
