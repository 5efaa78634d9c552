package dev.nightjar.udfs.sql;

import java.util.Arrays;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.UnaryNode;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * A logical operator over one child, given to Catalyst as a product of its constructor's arguments,
 * the child last. Immutable.
 */
abstract class UnaryLogicalPlan extends LogicalPlan implements UnaryNode {
  private final Object[] arguments;

  UnaryLogicalPlan(Object... arguments) {
    this.arguments = arguments;
  }

  @Override
  public final LogicalPlan child() {
    return (LogicalPlan) arguments[arguments.length - 1];
  }

  @Override
  public final Seq<LogicalPlan> children() {
    return Seqs.of(child());
  }

  @Override
  public final LogicalPlan withNewChildrenInternal(IndexedSeq<LogicalPlan> replacements) {
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
    return other instanceof UnaryLogicalPlan plan
        && getClass() == plan.getClass()
        && Arrays.equals(arguments, plan.arguments);
  }

  @Override
  public final int hashCode() {
    return Arrays.hashCode(arguments);
  }
}
