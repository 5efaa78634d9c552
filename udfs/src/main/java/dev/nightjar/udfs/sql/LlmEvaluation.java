package dev.nightjar.udfs.sql;

import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import scala.Option;
import scala.collection.immutable.Seq;

/** The rows of the child with the result of one call behind them. Immutable. */
public final class LlmEvaluation extends UnaryLogicalPlan {
  private final LlmCall call;
  private final AttributeReference result;

  /** Made by {@link ExtractLlmCalls}; public for the optimizer, which copies by reflection. */
  public LlmEvaluation(LlmCall call, AttributeReference result, LogicalPlan child) {
    super(call, result, child);
    this.call = call;
    this.result = result;
  }

  LlmCall call() {
    return call;
  }

  AttributeReference result() {
    return result;
  }

  @Override
  public LogicalPlan withNewChildInternal(LogicalPlan replacement) {
    return new LlmEvaluation(call, result, replacement);
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
  public Option<Object> maxRows() {
    return child().maxRows();
  }

  @Override
  public Option<Object> maxRowsPerPartition() {
    return child().maxRowsPerPartition();
  }
}
