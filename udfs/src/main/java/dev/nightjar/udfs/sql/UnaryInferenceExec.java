package dev.nightjar.udfs.sql;

import java.util.Arrays;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.UnaryExecNode;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * An operator that runs the model over one child's rows, given to Catalyst as a product of its
 * constructor's arguments, the child last. Its metrics are in the SQL tab and the History Server.
 */
abstract class UnaryInferenceExec extends SparkPlan implements UnaryExecNode {
  private final Object[] arguments;
  private EvaluationMetrics counters;

  UnaryInferenceExec(Object... arguments) {
    this.arguments = arguments;
  }

  @Override
  public final scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return counters().byName();
  }

  /** The metrics, made once on the driver. */
  final synchronized EvaluationMetrics counters() {
    if (counters == null) {
      counters = EvaluationMetrics.create(sparkContext());
    }
    return counters;
  }

  @Override
  public final SparkPlan child() {
    return (SparkPlan) arguments[arguments.length - 1];
  }

  @Override
  public final Seq<SparkPlan> children() {
    return Seqs.of(child());
  }

  @Override
  public final SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> replacements) {
    return withNewChildInternal(replacements.head());
  }

  @Override
  public final int productArity() {
    return arguments.length;
  }

  @Override
  public final Object productElement(int index) {
    return arguments[index];
  }

  @Override
  public final boolean canEqual(Object that) {
    return getClass().isInstance(that);
  }

  @Override
  public final boolean equals(Object other) {
    return other instanceof UnaryInferenceExec plan
        && getClass() == plan.getClass()
        && Arrays.equals(arguments, plan.arguments);
  }

  @Override
  public final int hashCode() {
    return Arrays.hashCode(arguments);
  }
}
