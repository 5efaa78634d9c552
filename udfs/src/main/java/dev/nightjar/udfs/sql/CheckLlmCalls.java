package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.LambdaFunction;
import org.apache.spark.sql.catalyst.plans.Inner$;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Function1;
import scala.runtime.BoxedUnit;

/** Refuses queries that could not be planned, while they are analysed. */
final class CheckLlmCalls {
  private CheckLlmCalls() {}

  /**
   * Checks an analysed plan and its subqueries.
   *
   * @throws EngineException when a call is in a lambda function, or in the condition of an outer
   *     join over columns of both sides
   */
  static BoxedUnit check(LogicalPlan plan) {
    Function1<LogicalPlan, BoxedUnit> check = CheckLlmCalls::checkNode;
    plan.foreachWithSubqueries(check);
    return BoxedUnit.UNIT;
  }

  private static BoxedUnit checkNode(LogicalPlan node) {
    Function1<Expression, BoxedUnit> check = CheckLlmCalls::checkExpression;
    for (Expression expression : Seqs.list(node.expressions())) {
      expression.foreach(check);
      if (node instanceof Join join
          && !join.joinType().equals(Inner$.MODULE$)
          && SplitOperators.hasTwoSidedCall(expression, join)) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "the condition of a "
                + join.joinType().sql()
                + " JOIN has a model function over columns of both sides: "
                + expression
                + "; compute it in a subquery after an inner join");
      }
    }
    return BoxedUnit.UNIT;
  }

  private static BoxedUnit checkExpression(Expression expression) {
    if (expression instanceof LambdaFunction && Calls.in(expression)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "a model function is inside a lambda function: "
              + expression
              + "; it needs rows, so explode the array first and collect_list the results");
    }
    return BoxedUnit.UNIT;
  }
}
