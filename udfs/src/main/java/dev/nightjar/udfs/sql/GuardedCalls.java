package dev.nightjar.udfs.sql;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.catalyst.expressions.And;
import org.apache.spark.sql.catalyst.expressions.CaseWhen;
import org.apache.spark.sql.catalyst.expressions.Coalesce;
import org.apache.spark.sql.catalyst.expressions.EqualNullSafe;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.If;
import org.apache.spark.sql.catalyst.expressions.IsNull;
import org.apache.spark.sql.catalyst.expressions.Literal;
import org.apache.spark.sql.catalyst.expressions.Not;
import org.apache.spark.sql.catalyst.expressions.Or;
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression;
import org.apache.spark.sql.types.DataTypes;
import scala.Tuple2;

/**
 * The calls of some expressions, each once, with the condition under which its value is looked at:
 * {@code CASE}, {@code IF}, {@code COALESCE}, {@code AND}, {@code OR} and {@code FILTER} look at
 * some only. Calls in the arguments of calls are not among them.
 */
final class GuardedCalls {

  /**
   * A call.
   *
   * @param guard the condition; empty when the value is always looked at
   */
  record Guarded(LlmCall call, Optional<Expression> guard) {}

  private final Map<Expression, Guarded> found = new LinkedHashMap<>();

  private GuardedCalls() {}

  /** Finds the calls, in the order of evaluation. */
  static Collection<Guarded> of(List<Expression> expressions) {
    GuardedCalls calls = new GuardedCalls();
    for (Expression expression : expressions) {
      calls.collect(expression, Optional.empty());
    }
    return calls.found.values();
  }

  private void collect(Expression expression, Optional<Expression> guard) {
    if (expression instanceof LlmCall call) {
      found.merge(call.canonicalized(), new Guarded(call, guard), GuardedCalls::either);
    } else if (Calls.in(expression)) {
      switch (expression) {
        case If choice -> {
          collect(choice.predicate(), guard);
          collect(choice.trueValue(), and(guard, choice.predicate()));
          collect(choice.falseValue(), and(guard, isNotTrue(choice.predicate())));
        }
        case CaseWhen choice -> collect(choice, guard);
        case Coalesce choice -> {
          Optional<Expression> reached = guard;
          for (Expression child : Seqs.list(choice.children())) {
            collect(child, reached);
            reached = and(reached, new IsNull(child));
          }
        }
        case And both -> {
          collect(both.left(), guard);
          Literal no = Literal.create(false, DataTypes.BooleanType);
          collect(both.right(), and(guard, new Not(new EqualNullSafe(both.left(), no))));
        }
        case Or either -> {
          collect(either.left(), guard);
          collect(either.right(), and(guard, isNotTrue(either.left())));
        }
        case AggregateExpression aggregate when aggregate.filter().isDefined() -> {
          Expression filter = aggregate.filter().get();
          collect(filter, guard);
          collect(aggregate.aggregateFunction(), and(guard, filter));
        }
        default -> {
          for (Expression child : Seqs.list(expression.children())) {
            collect(child, guard);
          }
        }
      }
    }
  }

  private void collect(CaseWhen choice, Optional<Expression> guard) {
    Optional<Expression> reached = guard;
    for (Tuple2<Expression, Expression> branch : Seqs.list(choice.branches())) {
      collect(branch._1(), reached);
      collect(branch._2(), and(reached, branch._1()));
      reached = and(reached, isNotTrue(branch._1()));
    }
    if (choice.elseValue().isDefined()) {
      collect(choice.elseValue().get(), reached);
    }
  }

  private static Guarded either(Guarded one, Guarded other) {
    return new Guarded(one.call(), one.guard().flatMap(a -> other.guard().map(b -> new Or(a, b))));
  }

  /** A guard that is evaluated a second time must give the same; else there is none. */
  private static Optional<Expression> and(Optional<Expression> guard, Expression condition) {
    if (!condition.deterministic()) {
      return guard;
    }
    return Optional.of(guard.<Expression>map(g -> new And(g, condition)).orElse(condition));
  }

  private static Expression isNotTrue(Expression condition) {
    return new Not(new EqualNullSafe(condition, Literal.create(true, DataTypes.BooleanType)));
  }
}
