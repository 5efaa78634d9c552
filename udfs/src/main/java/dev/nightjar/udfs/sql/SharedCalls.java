package dev.nightjar.udfs.sql;

import java.util.HashMap;
import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Repartition;
import scala.Function1;
import scala.runtime.BoxedUnit;

/**
 * Lets parts of a plan that make the same calls over the same rows, as two references to a view or
 * CTE do, share the results: each gets a shuffle on top, and Spark runs equal shuffles once.
 */
final class SharedCalls {
  private final Map<LogicalPlan, Integer> uses = new HashMap<>();

  private SharedCalls() {}

  /** The plan with shuffles on equal parts. */
  static LogicalPlan computedOnce(LogicalPlan plan) {
    SharedCalls calls = new SharedCalls();
    Function1<LogicalPlan, BoxedUnit> count = calls::count;
    plan.foreach(count);
    return calls.uses.values().stream().allMatch(n -> n == 1) ? plan : calls.shared(plan);
  }

  private BoxedUnit count(LogicalPlan node) {
    if (node instanceof LlmEvaluation) {
      uses.merge(node.canonicalized(), 1, Integer::sum);
    }
    return BoxedUnit.UNIT;
  }

  private LogicalPlan shared(LogicalPlan plan) {
    if (plan instanceof LlmEvaluation && uses.get(plan.canonicalized()) > 1) {
      int partitions = SparkSession.active().sparkContext().defaultParallelism();
      return new Repartition(partitions, true, plan);
    }
    Function1<LogicalPlan, LogicalPlan> below = this::shared;
    return plan.mapChildren(below);
  }
}
