package dev.nightjar.udfs.sql;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.analysis.TypeCheckResult;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.Unevaluable;
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenContext;
import org.apache.spark.sql.catalyst.expressions.codegen.ExprCode;
import org.apache.spark.sql.types.DataType;
import scala.collection.immutable.IndexedSeq;
import scala.collection.immutable.Seq;

/**
 * A call of a model function in a query's expressions: a placeholder, which {@link ExtractLlmCalls}
 * takes out of them and puts into the plan as an {@link LlmEvaluation}. Deterministic, because a
 * row's random stream depends on its prompt and the seed only; expensive, so that the optimizer
 * does not copy it. Immutable.
 */
public final class LlmCall extends Expression implements Unevaluable, Serializable {
  private final LlmTask task;
  private final Seq<Expression> arguments;

  /**
   * A call; public for the optimizer, which copies by reflection.
   *
   * @param arguments those that differ from row to row, the prompt first
   */
  public LlmCall(LlmTask task, Seq<Expression> arguments) {
    this.task = task;
    this.arguments = arguments;
  }

  LlmTask task() {
    return task;
  }

  /** The same call with other arguments. */
  LlmCall withArguments(List<Expression> replacements) {
    return new LlmCall(task, Seqs.of(replacements));
  }

  @Override
  public Seq<Expression> children() {
    return arguments;
  }

  @Override
  public Expression withNewChildrenInternal(IndexedSeq<Expression> replacements) {
    return new LlmCall(task, replacements);
  }

  @Override
  public DataType dataType() {
    return task.type();
  }

  /** Whether the value may be null: it is where the first argument is. */
  @Override
  public boolean nullable() {
    return true;
  }

  /** Never, or the optimizer would run the model on the driver. */
  @Override
  public boolean foldable() {
    return false;
  }

  @Override
  public boolean expensive() {
    return true;
  }

  @Override
  public TypeCheckResult checkInputDataTypes() {
    Optional<String> problem = ArgumentTypes.problem(task, Seqs.list(arguments));
    return problem.isPresent()
        ? new TypeCheckResult.TypeCheckFailure(problem.get())
        : TypeCheckResult.TypeCheckSuccess$.MODULE$;
  }

  @Override
  public Object eval(InternalRow input) {
    throw notPlanned();
  }

  @Override
  public ExprCode doGenCode(CodegenContext context, ExprCode code) {
    throw notPlanned();
  }

  private IllegalStateException notPlanned() {
    return new IllegalStateException(this + " was left in an expression; the planner missed it");
  }

  @Override
  public String prettyName() {
    return task.function();
  }

  @Override
  public String toString() {
    StringBuilder out = new StringBuilder(task.function()).append('(');
    String separator = "";
    for (Expression argument : Seqs.list(arguments)) {
      out.append(separator).append(argument);
      separator = ", ";
    }
    return out.append(')').toString();
  }

  @Override
  public int productArity() {
    return 2;
  }

  @Override
  public Object productElement(int index) {
    return switch (index) {
      case 0 -> task;
      case 1 -> arguments;
      default -> throw new IndexOutOfBoundsException(index);
    };
  }

  @Override
  public boolean canEqual(Object that) {
    return that instanceof LlmCall;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LlmCall call
        && task.equals(call.task)
        && arguments.equals(call.arguments);
  }

  @Override
  public int hashCode() {
    return Objects.hash(task, arguments);
  }
}
