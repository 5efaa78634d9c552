package dev.nightjar.job.openai;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.row_number;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.PromptSource.BatchLines;
import dev.nightjar.udfs.RowPrompts;
import dev.nightjar.udfs.openai.BatchLineReader;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import scala.Tuple2;

/** Batch files as a table: a row for each line that is not blank, in the order of the lines. */
public final class BatchInput {
  /** Number of a line, from 1, over all files. */
  static final String LINE = "line";

  /** The result table's key of a line: its {@code custom_id}, or a hash of a line without one. */
  static final String KEY = "custom_id";

  /** Tells lines of the same text apart, from 1. */
  static final String NTH = "nth";

  private static final int EXAMPLES = 3;

  private static final StructType SCHEMA =
      new StructType()
          .add(LINE, DataTypes.LongType)
          .add(BatchLines.REQUEST, DataTypes.StringType)
          .add(BatchLines.DUPLICATE_OF, DataTypes.LongType);

  private static final StructType KEYED =
      new StructType()
          .add(LINE, DataTypes.LongType)
          .add(BatchLines.REQUEST, DataTypes.StringType)
          .add(KEY, DataTypes.StringType);

  /** For names only, which no default changes. */
  private static final BatchLineReader READER = new BatchLineReader(SamplingParams.greedy(1));

  private BatchInput() {}

  /**
   * Reads batch files, plain or compressed; runs one or two Spark jobs over them.
   *
   * @param options of Spark's text source
   * @return the line's number, its text, and the number of an earlier line with the same {@code
   *     custom_id}
   */
  public static Dataset<Row> read(SparkSession spark, String[] paths, Map<String, String> options) {
    JavaRDD<Tuple2<String, Long>> lines =
        spark
            .read()
            .options(options)
            .text(paths)
            .javaRDD()
            .map(row -> row.getString(0))
            .zipWithIndex()
            .map(line -> new Tuple2<>(withoutMark(line._1()), line._2() + 1))
            .filter(line -> !line._1().isBlank());
    Broadcast<Map<String, Long>> repeated =
        JavaSparkContext.fromSparkContext(spark.sparkContext()).broadcast(repeated(lines));
    JavaRDD<Row> rows =
        lines.map(line -> RowFactory.create(line._2(), line._1(), earlier(line, repeated.value())));
    return spark.createDataFrame(rows, SCHEMA);
  }

  /** A file may begin with a byte order mark. */
  private static String withoutMark(String line) {
    return line.startsWith("\uFEFF") ? line.substring(1) : line;
  }

  /** The first line of each {@code custom_id} that has several. */
  private static Map<String, Long> repeated(JavaRDD<Tuple2<String, Long>> lines) {
    return Map.copyOf(
        lines
            .mapToPair(line -> new Tuple2<>(READER.read(line._1()).customId(), line._2()))
            .filter(id -> id._1() != null)
            .aggregateByKey(
                new long[] {Long.MAX_VALUE, 0},
                (sum, line) -> new long[] {Math.min(sum[0], line), sum[1] + 1},
                (a, b) -> new long[] {Math.min(a[0], b[0]), a[1] + b[1]})
            .filter(id -> id._2()[1] > 1)
            .mapValues(id -> id[0])
            .collectAsMap());
  }

  private static Long earlier(Tuple2<String, Long> line, Map<String, Long> repeated) {
    if (repeated.isEmpty()) {
      return null;
    }
    String id = READER.read(line._1()).customId();
    Long first = id == null ? null : repeated.get(id);
    return line._2().equals(first) ? null : first;
  }

  /** Lines with the keys that their results have, and with {@link #NTH}. */
  static Dataset<Row> keyed(Dataset<Row> input, InferenceOptions options) {
    StructType schema = input.schema();
    JavaRDD<Row> keys =
        input.javaRDD().mapPartitions(rows -> new Keyed(rows, new RowPrompts(options, schema)));
    return numbered(input.sparkSession().createDataFrame(keys, KEYED));
  }

  /** Adds {@link #NTH}. */
  static Dataset<Row> numbered(Dataset<Row> rows) {
    return rows.withColumn(
        NTH, row_number().over(Window.partitionBy(KEY, BatchLines.REQUEST).orderBy(LINE)));
  }

  /**
   * Refuses to go on where a line has another request than the one that was answered under its
   * name: the table would keep the old answer.
   *
   * @param answered rows of the result table that stay
   * @throws EngineException that names some of the lines
   */
  public static void refuseChanged(
      Dataset<Row> input, Dataset<Row> answered, InferenceOptions options) {
    Dataset<Row> known = answered.select(KEY, BatchLines.REQUEST).distinct();
    Dataset<Row> changed =
        keyed(input.where(col(BatchLines.DUPLICATE_OF).isNull()), options)
            .join(known.select(KEY).distinct(), new String[] {KEY}, "left_semi")
            .join(known, new String[] {KEY, BatchLines.REQUEST}, "left_anti")
            .orderBy(LINE);
    List<Row> examples = changed.select(LINE, KEY).takeAsList(EXAMPLES);
    if (!examples.isEmpty()) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          changed.count()
              + " lines of the batch are not what was answered under their custom_id, among them "
              + String.join(", ", examples.stream().map(BatchInput::name).toList())
              + "; give them new names, take another output.path, or, for lines that had an error,"
              + " add --retry-errors all");
    }
  }

  private static String name(Row line) {
    return "line " + line.getLong(0) + " ('" + line.getString(1) + "')";
  }

  private record Keyed(Iterator<Row> rows, RowPrompts prompts) implements Iterator<Row> {
    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public Row next() {
      Row row = rows.next();
      return RowFactory.create(row.get(0), row.get(1), prompts.request(row).key());
    }
  }
}
