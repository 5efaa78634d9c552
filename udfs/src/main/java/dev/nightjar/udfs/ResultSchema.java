package dev.nightjar.udfs;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.util.ArrayList;
import java.util.List;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * The result table's contract: all input columns, then the columns of {@link #columns()}, the last
 * of which, {@value #RUN_DATE}, is the partition column. Times are milliseconds; {@link ResultRows}
 * fills it.
 */
public final class ResultSchema {
  /** The partition column. */
  public static final String RUN_DATE = "run_date";

  /** {@code status} of a row with an answer. */
  public static final String OK = "ok";

  /** {@code status} of a row with {@code error} set. */
  public static final String ERROR = "error";

  /** {@code status} of a row whose answer was taken from one with the same request. */
  public static final String DEDUPLICATED = "deduplicated";

  /** {@code status} of a row whose prompt was null. */
  public static final String SKIPPED_NULL = "skipped_null";

  private static final StructType PLACEMENT_TYPE =
      new StructType()
          .add("host", DataTypes.StringType)
          .add("executor_id", DataTypes.StringType)
          .add("stage_id", DataTypes.IntegerType)
          .add("partition_id", DataTypes.IntegerType)
          .add("task_attempt_id", DataTypes.LongType)
          .add("attempt_number", DataTypes.IntegerType)
          .add("engine_version", DataTypes.StringType)
          .add("vector_species", DataTypes.StringType);

  private static final StructType COLUMNS =
      columnsOf(
          new StructType()
              .add("run_id", DataTypes.StringType)
              .add("custom_id", DataTypes.StringType)
              .add("request_hash", DataTypes.StringType)
              .add("model", DataTypes.StringType)
              .add("model_fingerprint", DataTypes.StringType)
              .add("status", DataTypes.StringType),
          AnswerTypes.GENERATION,
          new StructType()
              .add("placement", PLACEMENT_TYPE)
              .add("options", DataTypes.StringType)
              .add("started_at", DataTypes.TimestampType)
              .add("finished_at", DataTypes.TimestampType)
              .add(RUN_DATE, DataTypes.DateType));

  private ResultSchema() {}

  private static StructType columnsOf(StructType... groups) {
    StructType columns = new StructType();
    for (StructType group : groups) {
      for (StructField field : group.fields()) {
        columns = columns.add(field);
      }
    }
    return columns;
  }

  /** The result columns alone, {@value #RUN_DATE} last. */
  public static StructType columns() {
    return COLUMNS;
  }

  /**
   * The input's columns followed by the result columns.
   *
   * @throws EngineException when an input column has the name of a result column, not minding case
   */
  public static StructType of(StructType input) {
    List<String> clashes = new ArrayList<>();
    StructType schema = new StructType();
    for (StructField field : input.fields()) {
      if (PromptReader.find(COLUMNS, field.name()) >= 0) {
        clashes.add(field.name());
      }
      schema = schema.add(field);
    }
    if (!clashes.isEmpty()) {
      String name = clashes.getFirst();
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "input column "
              + (clashes.size() == 1 ? "'" + name + "' has" : "names " + clashes + " have")
              + " the name of a result column; rename it in the input query, for example SELECT `"
              + name
              + "` AS input_"
              + name
              + ", ... FROM input");
    }
    for (StructField field : COLUMNS.fields()) {
      schema = schema.add(field);
    }
    return schema;
  }
}
