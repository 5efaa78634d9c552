package dev.nightjar.job.evaluate;

import static org.apache.spark.sql.functions.coalesce;
import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.collect_list;
import static org.apache.spark.sql.functions.concat_ws;
import static org.apache.spark.sql.functions.count;
import static org.apache.spark.sql.functions.lit;
import static org.apache.spark.sql.functions.pmod;
import static org.apache.spark.sql.functions.row_number;
import static org.apache.spark.sql.functions.sha2;
import static org.apache.spark.sql.functions.sort_array;
import static org.apache.spark.sql.functions.struct;
import static org.apache.spark.sql.functions.to_json;
import static org.apache.spark.sql.functions.xxhash64;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.job.Digests;
import dev.nightjar.udfs.InputSlices;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.expressions.Window;
import org.apache.spark.storage.StorageLevel;

/**
 * The input cut into parts by a hash of each row's key, so that a row is in the same part however
 * the input is read. Every row gets a number that is the same in each run of the evaluation, even
 * where keys repeat.
 *
 * @param shards the parts that have rows
 * @param numRows rows in all
 * @param sha256 hash of all rows with all their columns, independent of their order
 */
record InputShards(List<Shard> shards, long numRows, String sha256) {
  /** The column with the row's number. */
  static final String ROW = "evaluation_row";

  private static final String KEY = "evaluation_key";
  private static final String HASH = "evaluation_hash";
  private static final String SHARD = "evaluation_shard";
  private static final List<String> OWN = List.of(ROW, KEY, HASH, SHARD);
  private static final long ROWS_PER_SHARD = 1L << 40;

  /**
   * One part.
   *
   * @param number from 0, with gaps where parts are empty
   * @param rows its rows with {@link #ROW}
   */
  record Shard(int number, Dataset<Row> rows, long numRows) {
    /** The rows in tasks of at most {@code rowsPerTask}, one per core at least; kept in memory. */
    Dataset<Row> tasks(int rowsPerTask) {
      int cores = rows.sparkSession().sparkContext().defaultParallelism();
      return InputSlices.of(rows, rowsPerTask, cores, 0)
          .rows()
          .persist(StorageLevel.MEMORY_AND_DISK());
    }
  }

  InputShards {
    shards = List.copyOf(shards);
  }

  /**
   * Cuts the input; runs a Spark job.
   *
   * @param keyColumn the column that identifies a row, or null to take the whole row
   * @throws EngineException when there are no rows, or a column has a name that is needed here
   */
  static InputShards of(Dataset<Row> input, String keyColumn, int numShards) {
    checkNames(input);
    Column[] columns =
        Arrays.stream(input.columns()).map(InputShards::named).toArray(Column[]::new);
    Column content = sha2(to_json(struct(columns)), 256);
    Column key = keyColumn == null ? content : coalesce(named(keyColumn).cast("string"), content);
    Column shard = pmod(xxhash64(col(KEY)), lit((long) numShards));
    Column number = row_number().over(Window.partitionBy(SHARD).orderBy(KEY, HASH));
    Dataset<Row> numbered =
        input
            .withColumn(HASH, content)
            .withColumn(KEY, key)
            .withColumn(SHARD, shard)
            .withColumn(ROW, col(SHARD).multiply(ROWS_PER_SHARD).plus(number))
            .persist(StorageLevel.MEMORY_AND_DISK());
    Column hash = sha2(concat_ws(",", sort_array(collect_list(col(HASH)))), 256);
    List<Row> parts =
        numbered.groupBy(SHARD).agg(count(lit(1)), hash).orderBy(SHARD).collectAsList();
    List<Shard> shards = new ArrayList<>();
    StringBuilder hashes = new StringBuilder();
    long numRows = 0;
    for (Row part : parts) {
      long id = part.getLong(0);
      Dataset<Row> rows = numbered.where(col(SHARD).equalTo(id)).drop(HASH, KEY, SHARD);
      shards.add(new Shard((int) id, rows, part.getLong(1)));
      hashes.append(id).append(':').append(part.getString(2)).append('\n');
      numRows += part.getLong(1);
    }
    if (numRows == 0) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION, "the input has no rows, expected at least one");
    }
    return new InputShards(shards, numRows, Digests.sha256(hashes.toString()));
  }

  /** A column by its name, dots and all. */
  static Column named(String column) {
    return col("`" + column.replace("`", "``") + "`");
  }

  private static void checkNames(Dataset<Row> input) {
    for (String name : input.columns()) {
      if (OWN.stream().anyMatch(name::equalsIgnoreCase)) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "input column '"
                + name
                + "' has a name that the evaluation needs; rename it in a query");
      }
    }
  }
}
