package dev.nightjar.udfs.sql;

import java.util.Map;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Function1;

/** Finds calls in expressions and plans, and puts results in their place. */
final class Calls {
  private Calls() {}

  /** Whether an expression has a call. */
  static boolean in(Expression expression) {
    Function1<Expression, Object> isCall = LlmCall.class::isInstance;
    return expression.exists(isCall);
  }

  /** Whether an operator's own expressions have a call that is not yet in the plan. */
  static boolean inNode(LogicalPlan node) {
    if (node instanceof LlmEvaluation) {
      return false;
    }
    for (Expression expression : Seqs.list(node.expressions())) {
      if (in(expression)) {
        return true;
      }
    }
    return false;
  }

  /** Whether an operator or one below it has a call that is not yet in the plan. */
  static boolean inTree(LogicalPlan plan) {
    Function1<LogicalPlan, Object> hasCall = Calls::inNode;
    return plan.exists(hasCall);
  }

  /** The expression with calls replaced by their results. */
  static Expression replace(Expression expression, Map<Expression, Attribute> results) {
    if (expression instanceof LlmCall) {
      Attribute result = results.get(expression.canonicalized());
      if (result != null) {
        return result;
      }
    }
    Function1<Expression, Expression> replaceBelow = child -> replace(child, results);
    return expression.mapChildren(replaceBelow);
  }
}
