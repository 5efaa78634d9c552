package dev.nightjar.job;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.current_timestamp;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.when;

import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.ResultSchema;
import dev.nightjar.udfs.RowPrompts;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Result rows of input rows whose request was answered for another row: its answer and usage,
 * without the time and compute that they did not take.
 */
final class DuplicateRows {
  private static final String KEY = "nightjar duplicate key";
  private static final String REQUEST = "nightjar duplicate request";
  private static final String PREFIX = "nightjar answer ";
  private static final List<String> NOT_SPENT = List.of("metrics", "compute", "placement");

  private DuplicateRows() {}

  /**
   * Joins rows with the answers to their requests.
   *
   * @param rows input rows
   * @param answered rows of the result table
   */
  static Dataset<Row> of(
      Dataset<Row> rows, Dataset<Row> answered, InferenceOptions options, String modelFingerprint) {
    StructType schema = rows.schema();
    JavaRDD<Row> keyed =
        rows.javaRDD()
            .mapPartitions(part ->
                new Keyed(part, new RowPrompts(options, schema), schema.size(), modelFingerprint));
    Dataset<Row> left =
        rows.sparkSession()
            .createDataFrame(
                keyed, schema.add(KEY, DataTypes.StringType).add(REQUEST, DataTypes.StringType));
    Dataset<Row> right = originals(answered);
    Column same = left.col(quoted(REQUEST)).equalTo(right.col(quoted(PREFIX + "request_hash")));
    Dataset<Row> joined =
        left.join(right, same, options.errorMode() == ErrorMode.DROP_MALFORMED ? "inner" : "left");
    List<Column> columns = new ArrayList<>();
    for (StructField field : schema.fields()) {
      columns.add(col(quoted(field.name())));
    }
    for (StructField field : ResultSchema.columns().fields()) {
      columns.add(value(field, options).cast(field.dataType()).as(field.name()));
    }
    return joined.select(columns.toArray(new Column[0]));
  }

  /** One row for each request, that with an answer if there is one. */
  private static Dataset<Row> originals(Dataset<Row> answered) {
    Column order = when(col("status").equalTo(ResultSchema.ERROR), 1).otherwise(0);
    Dataset<Row> first =
        answered
            .withColumn(
                PREFIX,
                row_number()
                    .over(Window.partitionBy("request_hash").orderBy(order, col("custom_id"))))
            .where(col(quoted(PREFIX)).equalTo(1));
    List<Column> columns = new ArrayList<>();
    for (String name : ResultSchema.columns().fieldNames()) {
      columns.add(col(name).as(PREFIX + name));
    }
    return first.select(columns.toArray(new Column[0]));
  }

  private static Column value(StructField field, InferenceOptions options) {
    if (NOT_SPENT.contains(field.name())) {
      return lit(null);
    }
    Column original = col(quoted(PREFIX + field.name()));
    Column answered = col(quoted(PREFIX + "status")).notEqual(ResultSchema.ERROR);
    return switch (field.name()) {
      case "run_id" -> lit(options.runId());
      case "custom_id" -> col(quoted(KEY));
      case "request_hash" -> col(quoted(REQUEST));
      case "status" -> when(answered, ResultSchema.DEDUPLICATED).otherwise(ResultSchema.ERROR);
      case "error" -> when(answered, original).otherwise(coalesce(original, noAnswer()));
      case "started_at", "finished_at" -> current_timestamp();
      case ResultSchema.RUN_DATE -> lit(options.runDate().toString());
      default -> original;
    };
  }

  /** The error of a row whose twin has left the table, or was set aside under another hash. */
  private static Column noAnswer() {
    return struct(
        lit(ErrorCode.INTERNAL.name()).as("code"),
        lit("the row with the same request has no answer; run again with --retry-errors")
            .as("message"),
        lit(true).as("retriable"));
  }

  private static String quoted(String name) {
    return "`" + name.replace("`", "``") + "`";
  }

  /** Rows with their {@code custom_id} and {@code request_hash} behind. */
  private record Keyed(Iterator<Row> rows, RowPrompts prompts, int columns, String modelFingerprint)
      implements Iterator<Row> {
    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Row next() {
      Row row = rows.next();
      GenerationRequest request = prompts.request(row);
      Object[] values = new Object[columns + 2];
      for (int i = 0; i < columns; i++) {
        values[i] = row.get(i);
      }
      values[columns] = request.key();
      values[columns + 1] = prompts.requestHash(request, modelFingerprint);
      return RowFactory.create(values);
    }
  }
}
