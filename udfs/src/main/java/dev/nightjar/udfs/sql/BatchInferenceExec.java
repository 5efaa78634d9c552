package dev.nightjar.udfs.sql;

import dev.nightjar.udfs.sql.BatchInference.Work;
import java.util.Iterator;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.rdd.RDD;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.encoders.ExpressionEncoder;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.execution.SparkPlan;
import scala.Function1;
import scala.collection.immutable.Seq;

/** Runs a {@link BatchInference}; its metrics are in the SQL tab and the History Server. */
public final class BatchInferenceExec extends UnaryInferenceExec {
  private final Work work;
  private final Seq<Attribute> output;

  /** Made by {@link LlmStrategy}; public for the planner, which copies by reflection. */
  public BatchInferenceExec(Work work, Seq<Attribute> output, SparkPlan child) {
    super(work, output, child);
    this.work = work;
    this.output = output;
  }

  @Override
  public RDD<InternalRow> doExecute() {
    ExpressionEncoder<Row> input = work.input();
    Partition partition =
        new Partition(
            work.function(),
            input.resolveAndBind(child().output(), input.resolveAndBind$default$2()),
            work.results(),
            counters());
    return child().execute().toJavaRDD().mapPartitions(partition).rdd();
  }

  /** One partition: Spark's own rows to rows for the function and back. */
  private record Partition(
      RowsFunction function,
      ExpressionEncoder<Row> input,
      ExpressionEncoder<Row> results,
      EvaluationMetrics metrics)
      implements FlatMapFunction<Iterator<InternalRow>, InternalRow> {
    @Override
    public Iterator<InternalRow> call(Iterator<InternalRow> rows) {
      Iterator<Row> read = new Converted<>(rows, input.createDeserializer());
      return new Converted<>(function.apply(read, metrics::count), results.createSerializer());
    }
  }

  /** Rows in another form. */
  private record Converted<A, B>(Iterator<A> rows, Function1<A, B> convert) implements Iterator<B> {
    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public B next() {
      return convert.apply(rows.next());
    }
  }

  @Override
  public SparkPlan withNewChildInternal(SparkPlan replacement) {
    return new BatchInferenceExec(work, output, replacement);
  }

  @Override
  public Seq<Attribute> output() {
    return output;
  }

  @Override
  public AttributeSet references() {
    return child().outputSet();
  }

  @Override
  public AttributeSet producedAttributes() {
    return outputSet();
  }
}
