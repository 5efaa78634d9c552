package dev.nightjar.udfs.sql;

import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.physical.Partitioning;
import org.apache.spark.sql.execution.SparkPlan;
import scala.collection.immutable.Seq;

/**
 * Runs one call over the child's rows, in batches, with the executor's engine; rows keep their
 * partition and their order. Its metrics are in the plan of the SQL tab and the History Server.
 */
public final class LlmEvaluationExec extends UnaryInferenceExec {
  private final LlmCall call;
  private final AttributeReference result;

  /** Made by {@link LlmStrategy}; public for the planner, which copies by reflection. */
  public LlmEvaluationExec(LlmCall call, AttributeReference result, SparkPlan child) {
    super(call, result, child);
    this.call = call;
    this.result = result;
  }

  @Override
  public RDD<InternalRow> doExecute() {
    EvaluatePartition function =
        new EvaluatePartition(call.task(), call.children(), child().output(), output(), counters());
    return child().execute().toJavaRDD().mapPartitions(function).rdd();
  }

  @Override
  public SparkPlan withNewChildInternal(SparkPlan replacement) {
    return new LlmEvaluationExec(call, result, replacement);
  }

  @Override
  public Seq<Attribute> output() {
    return Seqs.append(child().output(), result);
  }

  @Override
  public AttributeSet producedAttributes() {
    return result.references();
  }

  @Override
  public Partitioning outputPartitioning() {
    return child().outputPartitioning();
  }

  @Override
  public Seq<SortOrder> outputOrdering() {
    return child().outputOrdering();
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
}
