package dev.nightjar.udfs.sql;

import java.util.List;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.SparkStrategy;
import scala.collection.immutable.Seq;

/**
 * Plans {@link LlmEvaluation} and {@link BatchInference}, and takes out calls that surface after
 * the optimizer's own chance, as those of subqueries that became joins do; so no call is ever left
 * in an expression.
 */
final class LlmStrategy extends SparkStrategy {
  private final ExtractLlmCalls extract = new ExtractLlmCalls();

  @Override
  public Seq<SparkPlan> apply(LogicalPlan plan) {
    if (plan instanceof LlmEvaluation evaluation) {
      SparkPlan child = planLater(evaluation.child());
      return Seqs.of(List.of(new LlmEvaluationExec(evaluation.call(), evaluation.result(), child)));
    }
    if (plan instanceof BatchInference batch) {
      SparkPlan child = planLater(batch.child());
      return Seqs.of(List.of(new BatchInferenceExec(batch.work(), batch.output(), child)));
    }
    if (!Calls.inTree(plan)) {
      return Seqs.of(List.of());
    }
    LogicalPlan extracted = extract.apply(plan);
    if (Calls.inTree(extracted)) {
      throw new IllegalStateException("calls are left in the plan:\n" + extracted);
    }
    return Seqs.of(List.of(planLater(extracted)));
  }
}
