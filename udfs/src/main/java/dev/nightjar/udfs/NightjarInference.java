package dev.nightjar.udfs;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.udfs.sql.BatchInference;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;

/**
 * The batch operator for Java and Scala: a Dataset of rows with prompts in, the same rows with
 * answers out. Where our extensions are forbidden it runs the same, without metrics in the SQL tab.
 */
public final class NightjarInference {
  private NightjarInference() {}

  /**
   * Answers each row's prompt. Lazy, as every Spark transformation; rows keep their partition and
   * their order within it.
   *
   * @return a Dataset with the columns of {@link ResultSchema#of}
   * @throws EngineException at once when columns are missing, of the wrong type, or clash with
   *     result columns
   */
  public static Dataset<Row> generate(Dataset<Row> rows, InferenceOptions options) {
    return generate(rows, options, null);
  }

  /** The same, counting into {@code progress} as rows are done. */
  public static Dataset<Row> generate(
      Dataset<Row> rows, InferenceOptions options, InferenceProgress progress) {
    StructType input = rows.schema();
    StructType output = ResultSchema.of(input);
    PromptReader.bind(options, input);
    if (options.keyColumn() != null) {
      PromptReader.indexOf(input, options.keyColumn());
    }
    boolean javaTime =
        Boolean.parseBoolean(
            rows.sparkSession().conf().get("spark.sql.datetime.java8API.enabled", "false"));
    ResultRows.TimeClasses timeClasses =
        javaTime ? ResultRows.TimeClasses.JAVA_TIME : ResultRows.TimeClasses.JAVA_SQL;
    PartitionInference inference = new PartitionInference(input, options, progress, timeClasses);
    return BatchInference.isPlanned(rows)
        ? BatchInference.of(rows, inference.description(), inference, output)
        : rows.mapPartitions(inference, Encoders.row(output));
  }
}
