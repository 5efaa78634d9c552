package dev.nightjar.udfs.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.catalyst.expressions.Alias;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.ExprId;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.expressions.SortOrder;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Offset;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Repartition;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import scala.Function1;

/**
 * Lets limits act before calls: a projection with calls moves above the limit, and with it above
 * the sort that the limit takes the first rows of, as long as the sort does not need the calls.
 */
final class LimitedCalls {
  /** Rows that one task takes on after a limit; more are dealt out to several. */
  private static final int ROWS_PER_TASK = 256;

  private LimitedCalls() {}

  /**
   * The limits and offsets at the top of a plan.
   *
   * @param on puts them on another plan
   * @param local the lowest limit of each partition, or null
   * @param child what they are on
   */
  private record Limits(UnaryOperator<LogicalPlan> on, Expression local, LogicalPlan child) {
    static Limits of(LogicalPlan plan) {
      return switch (plan) {
        case GlobalLimit limit ->
            of(limit.child()).below(c -> new GlobalLimit(limit.limitExpr(), c));
        case Offset offset -> of(offset.child()).below(c -> new Offset(offset.offsetExpr(), c));
        case LocalLimit limit -> {
          Limits inner = of(limit.child()).below(c -> new LocalLimit(limit.limitExpr(), c));
          yield inner.local == null ? new Limits(inner.on, limit.limitExpr(), inner.child) : inner;
        }
        default -> new Limits(UnaryOperator.identity(), null, plan);
      };
    }

    private Limits below(UnaryOperator<LogicalPlan> outer) {
      return new Limits(c -> outer.apply(on.apply(c)), local, child);
    }
  }

  /**
   * The plan with projections lifted. A limit at the top of an unsorted query stays there, too, so
   * that Spark stops at the first partitions that yield enough rows.
   */
  static LogicalPlan lift(LogicalPlan plan) {
    if (plan instanceof GlobalLimit && Calls.inTree(plan)) {
      Limits limits = Limits.of(plan);
      if (limits.local() != null && !(firstBelow(limits.child()) instanceof Sort)) {
        UnaryOperator<LogicalPlan> local = child -> new LocalLimit(limits.local(), child);
        return limits.on().apply(liftBelow(limited(limits.child(), local, 1)));
      }
    }
    return liftBelow(plan);
  }

  private static LogicalPlan liftBelow(LogicalPlan plan) {
    if (!Calls.inTree(plan)) {
      return plan;
    }
    if (plan instanceof GlobalLimit global) {
      Limits limits = Limits.of(plan);
      LogicalPlan lifted = limited(limits.child(), limits.on(), tasks(global.limitExpr()));
      if (!(lifted instanceof GlobalLimit)) {
        return liftBelow(lifted);
      }
    }
    Function1<LogicalPlan, LogicalPlan> below = LimitedCalls::liftBelow;
    return plan.mapChildren(below);
  }

  private static LogicalPlan firstBelow(LogicalPlan plan) {
    return plan instanceof Project project ? firstBelow(project.child()) : plan;
  }

  private static int tasks(Expression limit) {
    int rows = limit.foldable() && limit.eval(null) instanceof Integer n ? n : 1;
    int cores = SparkSession.active().sparkContext().defaultParallelism();
    return Math.max(1, Math.min(cores, Math.ceilDiv(rows, ROWS_PER_TASK)));
  }

  /**
   * The limit on a plan, below the projections at its top and below its sort.
   *
   * @param tasks that share the rows which the limit leaves
   */
  private static LogicalPlan limited(
      LogicalPlan plan, UnaryOperator<LogicalPlan> limit, int tasks) {
    if (!Calls.inTree(plan)) {
      return limit.apply(plan);
    }
    if (plan instanceof Project project && isDeterministic(project)) {
      LogicalPlan below = limited(project.child(), limit, tasks);
      boolean ordered = firstBelow(project) instanceof Sort;
      boolean deal = Calls.inNode(project) && !ordered;
      return new Project(project.projectList(), deal ? dealt(below, tasks) : below);
    }
    if (plan instanceof Sort sort
        && sort.child() instanceof Project project
        && isDeterministic(project)) {
      List<SortOrder> order = withoutAliases(sort, project);
      if (order.stream().noneMatch(Calls::in)) {
        Sort below = new Sort(Seqs.of(order), sort.global(), project.child(), sort.hint());
        Project lifted =
            new Project(project.projectList(), dealt(limited(below, limit, tasks), tasks));
        return tasks == 1 ? lifted : new Sort(sort.order(), sort.global(), lifted, sort.hint());
      }
    }
    return limit.apply(plan);
  }

  /** Rows of one partition in several. */
  private static LogicalPlan dealt(LogicalPlan plan, int tasks) {
    return tasks == 1 ? plan : new Repartition(tasks, true, plan);
  }

  private static boolean isDeterministic(Project project) {
    for (Expression expression : Seqs.list(project.expressions())) {
      if (!expression.deterministic()) {
        return false;
      }
    }
    return true;
  }

  /** A sort's order in terms of what the projection below it is made of. */
  private static List<SortOrder> withoutAliases(Sort sort, Project project) {
    Map<ExprId, Expression> sources = new HashMap<>();
    for (NamedExpression column : Seqs.list(project.projectList())) {
      if (column instanceof Alias alias) {
        sources.put(alias.exprId(), alias.child());
      }
    }
    List<SortOrder> order = new ArrayList<>();
    for (SortOrder key : Seqs.list(sort.order())) {
      order.add((SortOrder) withoutAliases(key, sources));
    }
    return order;
  }

  private static Expression withoutAliases(Expression expression, Map<ExprId, Expression> sources) {
    if (expression instanceof Attribute attribute && sources.containsKey(attribute.exprId())) {
      return sources.get(attribute.exprId());
    }
    Function1<Expression, Expression> below = child -> withoutAliases(child, sources);
    return expression.mapChildren(below);
  }
}
