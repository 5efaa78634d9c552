package dev.nightjar.udfs.sql;

import java.util.Objects;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeReference;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.UnaryNode;
import scala.Option;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/** The rows of the child with the result of one call behind them. Immutable. */
public final class LlmEvaluation extends LogicalPlan implements UnaryNode {
  private final LlmCall call;
  private final AttributeReference result;
  private final LogicalPlan child;

  /** Made by {@link ExtractLlmCalls}; public for the optimizer, which copies by reflection. */
  public LlmEvaluation(LlmCall call, AttributeReference result, LogicalPlan child) {
    this.call = call;
    this.result = result;
    this.child = child;
  }

  LlmCall call() {
    return call;
  }

  AttributeReference result() {
    return result;
  }

  @Override
  public LogicalPlan child() {
    return child;
  }

  @Override
  public Seq<LogicalPlan> children() {
    return Seqs.of(child);
  }

  @Override
  public LogicalPlan withNewChildInternal(LogicalPlan replacement) {
    return new LlmEvaluation(call, result, replacement);
  }

  @Override
  public LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> replacements) {
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
  public Option<Object> maxRows() {
    return child.maxRows();
  }

  @Override
  public Option<Object> maxRowsPerPartition() {
    return child.maxRowsPerPartition();
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
    return that instanceof LlmEvaluation;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LlmEvaluation node
        && call.equals(node.call)
        && result.equals(node.result)
        && child.equals(node.child);
  }

  @Override
  public int hashCode() {
    return Objects.hash(call, result, child);
  }
}
