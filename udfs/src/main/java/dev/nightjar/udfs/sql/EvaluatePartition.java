package dev.nightjar.udfs.sql;

import dev.nightjar.udfs.PartitionAnswers;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.CatalystTypeConverters;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.Expression;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.JoinedRow;
import org.apache.spark.sql.catalyst.expressions.UnsafeProjection;
import org.apache.spark.sql.types.StructType;
import scala.Function1;
import scala.collection.immutable.Seq;

/** One partition of an {@link LlmEvaluationExec}: rows in, the same rows with a result out. */
final class EvaluatePartition implements FlatMapFunction<Iterator<InternalRow>, InternalRow> {
  private final LlmTask task;
  private final Seq<Expression> arguments;
  private final Seq<Attribute> input;
  private final Seq<Attribute> output;
  private final EvaluationMetrics metrics;

  /**
   * Takes what the driver decided.
   *
   * @param arguments over {@code input}
   * @param output the input and the result
   */
  EvaluatePartition(
      LlmTask task,
      Seq<Expression> arguments,
      Seq<Attribute> input,
      Seq<Attribute> output,
      EvaluationMetrics metrics) {
    this.task = task;
    this.arguments = arguments;
    this.input = input;
    this.output = output;
    this.metrics = metrics;
  }

  /**
   * A row that waits for its result.
   *
   * @param values its arguments
   */
  record Item(InternalRow row, Row values) {}

  @Override
  public Iterator<InternalRow> call(Iterator<InternalRow> rows) {
    if (!rows.hasNext()) {
      return Collections.emptyIterator();
    }
    StructType types = RequestReader.schema(Seqs.list(arguments));
    Iterator<Item> items = new Items(rows, types);
    RequestReader reader = new RequestReader(task, types);
    if (task instanceof LlmTask.CountTokens count) {
      return new Joined(new TokenCounts(items, reader, count.options()), output);
    }
    PartitionAnswers<Item> answers =
        new PartitionAnswers<>(
            items, reader::request, task.options(), metrics::count, PartitionAnswers.Traces.NONE);
    return new Joined(new Results(task, answers), output);
  }

  /** Copies of the child's rows, which reuses them, with their arguments. */
  private final class Items implements Iterator<Item> {
    private final Iterator<InternalRow> rows;
    private final UnsafeProjection projection = UnsafeProjection.create(arguments, input);
    private final Function1<Object, Object> toRow;

    Items(Iterator<InternalRow> rows, StructType types) {
      this.rows = rows;
      this.toRow = CatalystTypeConverters.createToScalaConverter(types);
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Item next() {
      InternalRow row = rows.next().copy();
      return new Item(row, (Row) toRow.apply(projection.apply(row)));
    }
  }

  /**
   * A row and its result.
   *
   * @param value of the type of {@link LlmTask#type()}, as Spark holds it inside; or null
   */
  record Evaluated(InternalRow row, Object value) {}

  /** The engine's answers as results. */
  private static final class Results implements Iterator<Evaluated> {
    private final LlmTask task;
    private final PartitionAnswers<Item> answers;
    private final Function1<Object, Object> toValue;

    Results(LlmTask task, PartitionAnswers<Item> answers) {
      this.task = task;
      this.answers = answers;
      this.toValue = CatalystTypeConverters.createToCatalystConverter(task.type());
    }

    @Override
    public boolean hasNext() {
      return answers.hasNext();
    }

    @Override
    public Evaluated next() {
      PartitionAnswers.Answer<Item> answer = answers.next();
      return new Evaluated(
          answer.item().row(), toValue.apply(RequestReader.value(task, answer.result())));
    }
  }

  /** Rows and results as one row of the output. */
  private static final class Joined implements Iterator<InternalRow> {
    private final Iterator<Evaluated> results;
    private final UnsafeProjection projection;
    private final JoinedRow joined = new JoinedRow();

    Joined(Iterator<Evaluated> results, Seq<Attribute> output) {
      this.results = results;
      Seq<Expression> all = Seqs.of(List.<Expression>copyOf(Seqs.list(output)));
      this.projection = UnsafeProjection.create(all, output);
    }

    @Override
    public boolean hasNext() {
      return results.hasNext();
    }

    @Override
    public InternalRow next() {
      Evaluated next = results.next();
      return projection.apply(
          joined.apply(next.row(), new GenericInternalRow(new Object[] {next.value()})));
    }
  }
}
