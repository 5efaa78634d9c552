package dev.nightjar.udfs.sql;

import java.util.Objects;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import org.apache.spark.sql.execution.UnaryExecNode;
import org.apache.spark.sql.execution.metric.SQLMetric;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * Runs one call over the child's rows, in batches, with the executor's engine; rows keep their
 * partition and their order. Its metrics are in the plan of the SQL tab and the History Server.
 */
public final class LlmEvaluationExec extends SparkPlan implements UnaryExecNode {
  private final LlmCall call;
  private final AttributeReference result;
  private final SparkPlan child;
  private EvaluationMetrics counters;

  /** Made by {@link LlmStrategy}; public for the planner, which copies by reflection. */
  public LlmEvaluationExec(LlmCall call, AttributeReference result, SparkPlan child) {
    this.call = call;
    this.result = result;
    this.child = child;
  }

  @Override
  public RDD<InternalRow> doExecute() {
    EvaluatePartition function =
        new EvaluatePartition(call.task(), call.children(), child.output(), output(), counters());
    return child.execute().toJavaRDD().mapPartitions(function).rdd();
  }

  @Override
  public scala.collection.immutable.Map<String, SQLMetric> metrics() {
    return counters().byName();
  }

  private synchronized EvaluationMetrics counters() {
    if (counters == null) {
      counters = EvaluationMetrics.create(sparkContext());
    }
    return counters;
  }

  @Override
  public SparkPlan child() {
    return child;
  }

  @Override
  public Seq<SparkPlan> children() {
    return Seqs.of(child);
  }

  @Override
  public SparkPlan withNewChildInternal(SparkPlan replacement) {
    return new LlmEvaluationExec(call, result, replacement);
  }

  @Override
  public SparkPlan withNewChildrenInternal(IndexedSeq<SparkPlan> replacements) {
    return withNewChildInternal(replacements.head());
  }

  @Override
  public Seq<Attribute> output() {
    return Seqs.append(child.output(), result);
  }

  @Override
  public AttributeSet producedAttributes() {
    return result.references();
  }

  @Override
  public Partitioning outputPartitioning() {
    return child.outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child.outputOrdering();
  }

  @Override
  public String verboseStringWithOperatorId() {
    return formattedNodeName()
        + "\nCall: "
        + call
        + "\nResult: "
        + result.name()
        + "#"
        + result.exprId().id()
        + "\nModel: "
        + call.task().options().model()
        + "\nOptions: "
        + call.task().options().toJson()
        + "\n";
  }

  @Override
  public int productArity() {
    return 3;
  }

  @Override
  public Object productElement(int index) {
    return switch (index) {
      case 0 -> call;
      case 1 -> result;
      case 2 -> child;
      default -> throw new IndexOutOfBoundsException(index);
    };
  }

  @Override
  public boolean canEqual(Object that) {
    return that instanceof LlmEvaluationExec;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LlmEvaluationExec node
        && call.equals(node.call)
        && result.equals(node.result)
        && child.equals(node.child);
  }

  @Override
  public int hashCode() {
    return Objects.hash(call, result, child);
  }
}
