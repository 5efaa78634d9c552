package dev.nightjar.udfs.sql;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.NamedExpression;
import org.apache.spark.sql.catalyst.optimizer.ColumnPruning$;
import org.apache.spark.sql.catalyst.plans.Inner$;
import org.apache.spark.sql.catalyst.plans.JoinType;
import org.apache.spark.sql.catalyst.plans.LeftAnti$;
import org.apache.spark.sql.catalyst.plans.LeftOuter$;
import org.apache.spark.sql.catalyst.plans.LeftSemi$;
import org.apache.spark.sql.catalyst.plans.logical.Filter;
import org.apache.spark.sql.catalyst.plans.logical.GlobalLimit;
import org.apache.spark.sql.catalyst.plans.logical.Join;
import org.apache.spark.sql.catalyst.plans.logical.LocalLimit;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Offset;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import org.apache.spark.sql.catalyst.plans.logical.Sort;
import org.apache.spark.sql.catalyst.plans.logical.Subquery;
import org.apache.spark.sql.catalyst.rules.Rule;
import scala.Function1;

/**
 * Takes the calls out of a plan's expressions and puts each below the operator that needs it, on as
 * few rows as the query allows. Runs once, after filters have been pushed down and before scans are
 * pruned; on a plan without calls it does nothing. Results of a call stay among the columns of the
 * operators above as long as they keep rows as they are, so that the same call is not run again
 * there.
 */
final class ExtractLlmCalls extends Rule<LogicalPlan> {
  @Override
  public LogicalPlan apply(LogicalPlan plan) {
    if (!Calls.inTree(plan) || plan instanceof Subquery subquery && subquery.correlated()) {
      return plan;
    }
    LogicalPlan placed = withOutput(place(LimitedCalls.lift(plan)).plan(), plan);
    LogicalPlan pruned = ColumnPruning$.MODULE$.apply(placed);
    return SortedCalls.computedOnce(SharedCalls.computedOnce(pruned));
  }

  private static Placement.Input place(LogicalPlan plan) {
    if (!Calls.inTree(plan)) {
      return new Placement.Input(plan, Map.of());
    }
    LogicalPlan node = SplitOperators.split(plan);
    if (node != plan) {
      return place(node);
    }
    boolean hasCalls = Calls.inNode(node);
    List<Placement.Input> inputs = new ArrayList<>();
    for (LogicalPlan child : Seqs.list(node.children())) {
      Placement.Input input = place(child);
      boolean keep = hasCalls || keepsColumns(node);
      inputs.add(keep ? input : new Placement.Input(withOutput(input.plan(), child), Map.of()));
    }
    Placement placement = new Placement(node, inputs);
    Map<Expression, Attribute> results = placement.place(Seqs.list(node.expressions()));
    return rebuilt(node, placement.inputs(), results);
  }

  /** The operator on its new inputs, with results in place of calls. */
  private static Placement.Input rebuilt(
      LogicalPlan node, List<Placement.Input> inputs, Map<Expression, Attribute> results) {
    List<LogicalPlan> plans = inputs.stream().map(Placement.Input::plan).toList();
    Function1<Expression, Expression> replace = e -> Calls.replace(e, results);
    LogicalPlan rebuilt = node.withNewChildren(Seqs.of(plans)).mapExpressions(replace);
    Map<Expression, Attribute> kept = new HashMap<>();
    switch (rebuilt) {
      case Project project -> {
        kept.putAll(inputs.getFirst().results());
        return new Placement.Input(withColumns(project, kept), kept);
      }
      case Join join -> {
        if (join.joinType().equals(Inner$.MODULE$)) {
          inputs.forEach(input -> kept.putAll(input.results()));
        } else if (keepsLeft(join.joinType())) {
          kept.putAll(inputs.getFirst().results());
        }
        return new Placement.Input(rebuilt, kept);
      }
      default -> {
        if (keepsColumns(rebuilt)) {
          return new Placement.Input(rebuilt, inputs.getFirst().results());
        }
        return new Placement.Input(withOutput(rebuilt, node), Map.of());
      }
    }
  }

  /** Whether an operator hands its input's columns on, each row as it is. */
  private static boolean keepsColumns(LogicalPlan node) {
    return node instanceof Project
        || node instanceof Filter
        || node instanceof Sort
        || node instanceof LocalLimit
        || node instanceof GlobalLimit
        || node instanceof Offset
        || node instanceof Join join
            && (join.joinType().equals(Inner$.MODULE$) || keepsLeft(join.joinType()));
  }

  private static boolean keepsLeft(JoinType type) {
    return type.equals(LeftOuter$.MODULE$)
        || type.equals(LeftSemi$.MODULE$)
        || type.equals(LeftAnti$.MODULE$);
  }

  private static LogicalPlan withColumns(Project project, Map<Expression, Attribute> results) {
    List<NamedExpression> columns = new ArrayList<>(Seqs.list(project.projectList()));
    for (Attribute result : results.values()) {
      if (columns.stream().noneMatch(c -> c.exprId().equals(result.exprId()))) {
        columns.add(result);
      }
    }
    return new Project(Seqs.of(columns), project.child());
  }

  /** A plan with exactly the columns of another. */
  private static LogicalPlan withOutput(LogicalPlan plan, LogicalPlan original) {
    List<Attribute> wanted = Seqs.list(original.output());
    List<Attribute> found = Seqs.list(plan.output());
    boolean same = wanted.size() == found.size();
    for (int i = 0; same && i < wanted.size(); i++) {
      same = wanted.get(i).exprId().equals(found.get(i).exprId());
    }
    return same ? plan : new Project(Seqs.of(List.<NamedExpression>copyOf(wanted)), plan);
  }
}
