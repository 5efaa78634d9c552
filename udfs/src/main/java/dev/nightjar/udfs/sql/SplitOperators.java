package dev.nightjar.udfs.sql;

import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression$;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.catalyst.plans.Inner$;
import org.apache.spark.sql.catalyst.plans.logical.Aggregate;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.Function1;
import scala.Option;

/**
 * Takes operators apart so that calls see few rows, or see them at all: a filter's cheap conditions
 * go first, calls over aggregates go above them, and calls over both sides of a join behind it.
 */
final class SplitOperators {
  private SplitOperators() {}

  /** The operator, or others that do the same; the same object when there is nothing to split. */
  static LogicalPlan split(LogicalPlan node) {
    return switch (node) {
      case Filter filter -> splitFilter(filter);
      case Aggregate aggregate -> splitAggregate(aggregate);
      case Join join -> splitJoin(join);
      default -> node;
    };
  }

  private static LogicalPlan splitFilter(Filter filter) {
    List<Expression> conditions = conjuncts(filter.condition());
    if (!filter.condition().deterministic()
        || !Calls.in(filter.condition())
        || conditions.size() == 1) {
      return filter;
    }
    LogicalPlan plan = filter.child();
    List<Expression> cheap = conditions.stream().filter(c -> !Calls.in(c)).toList();
    if (!cheap.isEmpty()) {
      plan = new Filter(all(cheap), plan);
    }
    for (Expression condition : conditions) {
      if (Calls.in(condition)) {
        plan = new Filter(condition, plan);
      }
    }
    return plan;
  }

  private static LogicalPlan splitJoin(Join join) {
    if (!join.joinType().equals(Inner$.MODULE$) || join.condition().isEmpty()) {
      return join;
    }
    List<Expression> behind = new ArrayList<>();
    List<Expression> kept = new ArrayList<>();
    for (Expression condition : conjuncts(join.condition().get())) {
      (hasTwoSidedCall(condition, join) ? behind : kept).add(condition);
    }
    if (behind.isEmpty()) {
      return join;
    }
    Option<Expression> condition = kept.isEmpty() ? Option.empty() : Option.apply(all(kept));
    return new Filter(
        all(behind), new Join(join.left(), join.right(), join.joinType(), condition, join.hint()));
  }

  /** Whether a call needs columns of both sides of a join. */
  static boolean hasTwoSidedCall(Expression condition, Join join) {
    Function1<Expression, Object> isTwoSided =
        e ->
            e instanceof LlmCall
                && !e.references().subsetOf(join.left().outputSet())
                && !e.references().subsetOf(join.right().outputSet());
    return condition.exists(isTwoSided);
  }

  private static LogicalPlan splitAggregate(Aggregate aggregate) {
    List<NamedExpression> above = new ArrayList<>();
    List<NamedExpression> within = new ArrayList<>();
    boolean any = false;
    for (NamedExpression named : Seqs.list(aggregate.aggregateExpressions())) {
      Expression expression = (Expression) named;
      if (hasCallOverAggregate(expression, aggregate)) {
        any = true;
        above.add((NamedExpression) pullOut(expression, aggregate, within));
      } else {
        within.add(named);
        above.add(named.toAttribute());
      }
    }
    return any
        ? new Project(
            Seqs.of(above),
            new Aggregate(
                aggregate.groupingExpressions(),
                Seqs.of(within),
                aggregate.child(),
                aggregate.hint()))
        : aggregate;
  }

  private static boolean hasCallOverAggregate(Expression expression, Aggregate aggregate) {
    Function1<Expression, Object> belongs = e -> belongsToAggregate(e, aggregate);
    Function1<Expression, Object> isOver =
        e -> e instanceof LlmCall && (e.references().isEmpty() || e.exists(belongs));
    return !(belongsToAggregate(expression, aggregate)) && expression.exists(isOver);
  }

  private static boolean belongsToAggregate(Expression expression, Aggregate aggregate) {
    if (expression instanceof AggregateExpression) {
      return true;
    }
    for (Expression key : Seqs.list(aggregate.groupingExpressions())) {
      if (key.semanticEquals(expression)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The expression over the aggregate's output; what it takes from there is added to {@code out}.
   */
  private static Expression pullOut(
      Expression expression, Aggregate aggregate, List<NamedExpression> out) {
    if (belongsToAggregate(expression, aggregate)) {
      NamedExpression named =
          expression instanceof NamedExpression n ? n : alias(expression, "aggregate");
      if (out.stream().noneMatch(n -> n.exprId().equals(named.exprId()))) {
        out.add(named);
      }
      return named.toAttribute();
    }
    Function1<Expression, Expression> pullBelow = child -> pullOut(child, aggregate, out);
    return expression.mapChildren(pullBelow);
  }

  private static Alias alias(Expression expression, String name) {
    return new Alias(
        expression,
        name,
        NamedExpression$.MODULE$.newExprId(),
        Seqs.of(List.of()),
        Option.empty(),
        Seqs.of(List.of()));
  }

  private static List<Expression> conjuncts(Expression condition) {
    List<Expression> all = new ArrayList<>();
    if (condition instanceof And both) {
      all.addAll(conjuncts(both.left()));
      all.addAll(conjuncts(both.right()));
    } else {
      all.add(condition);
    }
    return all;
  }

  private static Expression all(List<Expression> conditions) {
    Expression all = conditions.getFirst();
    for (Expression condition : conditions.subList(1, conditions.size())) {
      all = new And(all, condition);
    }
    return all;
  }
}
