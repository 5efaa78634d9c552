package dev.nightjar.udfs.sql;

import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Offset;
import org.apache.spark.sql.catalyst.plans.logical.Repartition;
import org.apache.spark.sql.catalyst.plans.logical.RepartitionOperation;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import scala.Function1;

/**
 * Keeps sorts from computing calls twice: a sort of all rows first samples its input to find the
 * ranges of its partitions, so what is below it runs again unless a shuffle has kept it.
 */
final class SortedCalls {
  private SortedCalls() {}

  /** The plan with a shuffle below each such sort. */
  static LogicalPlan computedOnce(LogicalPlan plan) {
    if (plan instanceof GlobalLimit || plan instanceof LocalLimit || plan instanceof Offset) {
      return belowLimits(plan);
    }
    LogicalPlan once = belowOf(plan);
    if (once instanceof Sort sort && sort.global() && isOpen(sort.child())) {
      int partitions = SparkSession.active().sparkContext().defaultParallelism();
      return new Sort(
          sort.order(), true, new Repartition(partitions, true, sort.child()), sort.hint());
    }
    return once;
  }

  /** A limit on a sort takes the first rows of each partition and needs no ranges. */
  private static LogicalPlan belowLimits(LogicalPlan plan) {
    boolean isLimit =
        plan instanceof GlobalLimit || plan instanceof LocalLimit || plan instanceof Offset;
    if (!isLimit) {
      return belowOf(plan);
    }
    Function1<LogicalPlan, LogicalPlan> below = SortedCalls::belowLimits;
    return plan.mapChildren(below);
  }

  private static LogicalPlan belowOf(LogicalPlan plan) {
    Function1<LogicalPlan, LogicalPlan> below = SortedCalls::computedOnce;
    return plan.mapChildren(below);
  }

  /** Whether a call is below without a shuffle in between, as far as can be told. */
  private static boolean isOpen(LogicalPlan plan) {
    if (plan instanceof LlmEvaluation) {
      return true;
    }
    if (plan instanceof Aggregate || plan instanceof RepartitionOperation) {
      return false;
    }
    for (LogicalPlan child : Seqs.list(plan.children())) {
      if (isOpen(child)) {
        return true;
      }
    }
    return false;
  }
}
