package dev.nightjar.job;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.concat_ws;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.when;

import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.InputSlices;
import dev.nightjar.udfs.ResultSchema;
import dev.nightjar.udfs.RowPrompts;
import java.io.Serializable;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import scala.Tuple2;

/**
 * What is left to do of an input whose order is fixed, told by positions, so that only keys are
 * shuffled to find it. The n-th row with a key is done when the table has n rows with it.
 *
 * @param numRows rows of the input, limit applied
 * @param pending per partition the rows that the model must see
 * @param duplicates per partition the rows that get another one's answer
 */
record InputPlan(long numRows, BitSet[] pending, BitSet[] duplicates) {
  private static final StructType KEYS =
      new StructType()
          .add("part", DataTypes.IntegerType)
          .add("position", DataTypes.IntegerType)
          .add("key", DataTypes.StringType)
          .add("request", DataTypes.StringType);

  private static final int PENDING = 0;
  private static final int DUPLICATE = 1;
  private static final int DONE = 2;

  /**
   * What to look for.
   *
   * @param limit rows of the input to take at most; 0 takes all
   * @param deduplicate whether rows with the request of another one are told apart
   * @param committed rows that are in the table already, if there are any
   */
  record Question(
      InferenceOptions options,
      String modelFingerprint,
      long limit,
      boolean deduplicate,
      Optional<Dataset<Row>> committed) {}

  /** Plans; runs one or two Spark jobs. */
  static InputPlan of(Dataset<Row> input, Question question) {
    boolean everyRow = !question.deduplicate() && question.committed().isEmpty();
    if (everyRow || question.limit() > 0) {
      long[] taken = InputSlices.counts(input);
      long left = question.limit() > 0 ? question.limit() : Long.MAX_VALUE;
      for (int i = 0; i < taken.length; i++) {
        taken[i] = Math.min(taken[i], left);
        left -= taken[i];
      }
      return everyRow ? all(taken) : of(input, question, taken);
    }
    long[] all = new long[input.javaRDD().getNumPartitions()];
    Arrays.fill(all, Integer.MAX_VALUE);
    return of(input, question, all);
  }

  private static InputPlan all(long[] taken) {
    BitSet[] pending = new BitSet[taken.length];
    BitSet[] duplicates = new BitSet[taken.length];
    long numRows = 0;
    for (int i = 0; i < taken.length; i++) {
      pending[i] = new BitSet();
      pending[i].set(0, Math.toIntExact(taken[i]));
      duplicates[i] = new BitSet();
      numRows += taken[i];
    }
    return new InputPlan(numRows, pending, duplicates);
  }

  private static InputPlan of(Dataset<Row> input, Question question, long[] taken) {
    InferenceOptions options = question.options();
    String model = question.modelFingerprint();
    StructType schema = input.schema();
    JavaRDD<Row> keys =
        input
            .javaRDD()
            .mapPartitionsWithIndex(
                (part, rows) ->
                    new Keys(rows, part, taken[part], new RowPrompts(options, schema), model),
                false);
    Dataset<Row> marked = marked(input.sparkSession().createDataFrame(keys, KEYS), question);
    Map<Integer, Marks> byPart =
        marked
            .javaRDD()
            .mapToPair(row -> new Tuple2<>(row.getInt(0), row))
            .aggregateByKey(new Marks(), Marks::with, Marks::and)
            .collectAsMap();
    BitSet[] pending = new BitSet[taken.length];
    BitSet[] duplicates = new BitSet[taken.length];
    long numRows = 0;
    for (int i = 0; i < taken.length; i++) {
      Marks marks = byPart.getOrDefault(i, new Marks());
      pending[i] = marks.pending;
      duplicates[i] = marks.duplicates;
      numRows += marks.rows;
    }
    return new InputPlan(numRows, pending, duplicates);
  }

  /** Columns {@code part}, {@code position}, {@code mark}. */
  private static Dataset<Row> marked(Dataset<Row> keys, Question question) {
    Column order = col("part");
    Dataset<Row> rows = keys.withColumn("done", lit(false)).withColumn("answered", lit(false));
    if (question.committed().isPresent()) {
      Dataset<Row> committed = question.committed().get();
      Dataset<Row> numbers =
          committed.groupBy(col("custom_id").as("key")).agg(count(lit(1)).as("committed"));
      rows =
          rows.withColumn(
                  "nth",
                  row_number().over(Window.partitionBy("key").orderBy(order, col("position"))))
              .join(numbers, new String[] {"key"}, "left")
              .withColumn("done", col("nth").leq(coalesce(col("committed"), lit(0L))))
              .drop("nth", "committed");
      if (question.deduplicate()) {
        Dataset<Row> requests =
            committed
                .where(col("status").isin(ResultSchema.OK, ResultSchema.DEDUPLICATED))
                .select(col("request_hash").as("request"), lit(true).as("known"))
                .distinct();
        rows =
            rows.join(requests, new String[] {"request"}, "left")
                .withColumn("answered", coalesce(col("known"), lit(false)))
                .drop("known");
      }
    }
    Column mark = when(col("done"), DONE);
    if (question.deduplicate()) {
      Column competes = col("request").isNotNull().and(col("done").equalTo(false));
      Column group =
          when(competes, col("request")).otherwise(concat_ws(":", order, col("position")));
      rows =
          rows.withColumn("competes", competes)
              .withColumn("group", group)
              .withColumn(
                  "nth",
                  row_number().over(Window.partitionBy("group").orderBy(order, col("position"))));
      mark = mark.when(col("competes").and(col("answered").or(col("nth").gt(1))), DUPLICATE);
    }
    return rows.select(order, col("position"), mark.otherwise(PENDING).as("mark"));
  }

  /** Rows that the model must see. */
  long numPending() {
    return cardinality(pending);
  }

  /** Rows that get another one's answer. */
  long numDuplicates() {
    return cardinality(duplicates);
  }

  /** Rows that have their results already. */
  long numDone() {
    return numRows - numPending() - numDuplicates();
  }

  private static long cardinality(BitSet[] sets) {
    long sum = 0;
    for (BitSet set : sets) {
      sum += set.cardinality();
    }
    return sum;
  }

  /** Positions of one partition by mark. */
  private static final class Marks implements Serializable {
    private final BitSet pending = new BitSet();
    private final BitSet duplicates = new BitSet();
    private long rows;

    Marks with(Row row) {
      rows++;
      switch (row.getInt(2)) {
        case PENDING -> pending.set(row.getInt(1));
        case DUPLICATE -> duplicates.set(row.getInt(1));
        default -> {
          // Done.
        }
      }
      return this;
    }

    Marks and(Marks other) {
      pending.or(other.pending);
      duplicates.or(other.duplicates);
      rows += other.rows;
      return this;
    }
  }

  /** A partition's first rows as rows of {@link #KEYS}. */
  private static final class Keys implements Iterator<Row> {
    private final Iterator<Row> rows;
    private final int part;
    private final long taken;
    private final RowPrompts prompts;
    private final String modelFingerprint;
    private int position;

    Keys(Iterator<Row> rows, int part, long taken, RowPrompts prompts, String modelFingerprint) {
      this.rows = rows;
      this.part = part;
      this.taken = taken;
      this.prompts = prompts;
      this.modelFingerprint = modelFingerprint;
    }

    @Override
    public boolean hasNext() {
      return position < taken && rows.hasNext();
    }

    @Override
    public Row next() {
      GenerationRequest request = prompts.request(rows.next());
      return RowFactory.create(
          part, position++, request.key(), hash(prompts, request, modelFingerprint));
    }
  }

  /** The hash that rows with the same answer share; null where there is none to share. */
  private static String hash(
      RowPrompts prompts, GenerationRequest request, String modelFingerprint) {
    return switch (request.prompt()) {
      case Prompt.Missing _, Prompt.Invalid _ -> null;
      case Prompt.Text _, Prompt.Messages _, Prompt.TokenIds _ ->
          prompts.requestHash(request, modelFingerprint);
    };
  }
}
