package dev.nightjar.udfs.sql;

import java.io.Serializable;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.analysis.MultiInstanceRelation;
import org.apache.spark.sql.catalyst.encoders.ExpressionEncoder;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.AttributeSet;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.types.DataTypeUtils;
import org.apache.spark.sql.classic.SparkSession;
import org.apache.spark.sql.types.StructType;
import scala.collection.immutable.Seq;

/**
 * The batch job's operator: the child's rows through a function over whole partitions, which gives
 * rows of its own schema. The same as {@code Dataset.mapPartitions}, with metrics. Immutable.
 */
public final class BatchInference extends UnaryLogicalPlan implements MultiInstanceRelation {
  private final Work work;
  private final Seq<Attribute> output;

  /**
   * What is done with the rows.
   *
   * @param description for people
   * @param input how the child's rows are read
   * @param results how the function's rows are stored
   */
  public record Work(
      String description,
      RowsFunction function,
      ExpressionEncoder<Row> input,
      ExpressionEncoder<Row> results)
      implements Serializable {
    @Override
    public String toString() {
      return description;
    }
  }

  /** Made by {@link #of}; public for the optimizer, which copies by reflection. */
  public BatchInference(Work work, Seq<Attribute> output, LogicalPlan child) {
    super(work, output, child);
    this.work = work;
    this.output = output;
  }

  /** Whether sessions like this dataset's plan this operator: our extensions are theirs. */
  public static boolean isPlanned(Dataset<Row> rows) {
    return rows.sparkSession() instanceof SparkSession session
        && Seqs.list(session.sessionState().planner().strategies()).stream()
            .anyMatch(LlmStrategy.class::isInstance);
  }

  /**
   * The function's rows over a dataset for which {@link #isPlanned}; lazy.
   *
   * @param description of the function, for people
   * @param output schema of its rows
   */
  public static Dataset<Row> of(
      Dataset<Row> rows, String description, RowsFunction function, StructType output) {
    Work work =
        new Work(
            description,
            function,
            ExpressionEncoder.apply(rows.schema()),
            ExpressionEncoder.apply(output));
    LogicalPlan child =
        ((org.apache.spark.sql.classic.Dataset<Row>) rows).queryExecution().analyzed();
    return org.apache.spark.sql.classic.Dataset.ofRows(
        (SparkSession) rows.sparkSession(), new BatchInference(work, fresh(output), child));
  }

  private static Seq<Attribute> fresh(StructType schema) {
    return Seqs.of(
        Seqs.list(DataTypeUtils.toAttributes(schema)).stream().map(Attribute.class::cast).toList());
  }

  Work work() {
    return work;
  }

  @Override
  public LogicalPlan newInstance() {
    return new BatchInference(work, fresh(work.results().schema()), child());
  }

  @Override
  public LogicalPlan withNewChildInternal(LogicalPlan replacement) {
    return new BatchInference(work, output, replacement);
  }

  @Override
  public Seq<Attribute> output() {
    return output;
  }

  /** All of the child's columns: the function sees whole rows. */
  @Override
  public AttributeSet references() {
    return child().outputSet();
  }

  @Override
  public AttributeSet producedAttributes() {
    return outputSet();
  }
}
