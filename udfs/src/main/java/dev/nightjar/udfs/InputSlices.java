package dev.nightjar.udfs;

import java.io.Serializable;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.types.StructType;
import scala.Tuple2;

/**
 * Cuts a Dataset into partitions by number of rows: prompts are small and dear, so Spark's own cut
 * by bytes would put hundreds of thousands into one task.
 *
 * <p>Where the input's order is fixed (files), a partition holds consecutive rows in input order.
 * Where it is not (the output of a shuffle), slicing by position would lose or repeat rows when a
 * lost task is computed again in another order, so rows are dealt out by Spark's own {@code
 * repartition}, which is safe.
 *
 * @param rows the same rows in partitions of at most {@code rowsPerTask} rows, as near as may be
 * @param numRows how many there are
 * @param numPartitions partitions of {@code rows}
 */
public record InputSlices(Dataset<Row> rows, long numRows, int numPartitions) {

  /**
   * Counts and cuts; runs one Spark job.
   *
   * @param rowsPerTask most rows of a partition
   * @param minPartitions partitions wanted at least, so that no slot idles
   * @param limit rows to keep, the first ones where the order is fixed; 0 keeps all
   */
  public static InputSlices of(Dataset<Row> input, int rowsPerTask, int minPartitions, long limit) {
    JavaRDD<Row> rdd = input.javaRDD();
    List<Long> counts = rdd.mapPartitions(InputSlices::count).collect();
    long[] offsets = new long[counts.size()];
    long total = 0;
    for (int i = 0; i < offsets.length; i++) {
      offsets[i] = total;
      total += counts.get(i);
    }
    long numRows = limit > 0 ? Math.min(limit, total) : total;
    long wanted = Math.max(minPartitions, Math.ceilDiv(numRows, rowsPerTask));
    int partitions = Math.toIntExact(Math.max(1, Math.min(wanted, numRows)));
    StructType schema = input.schema();
    if (!rdd.rdd().outputDeterministicLevel().toString().equals("DETERMINATE")) {
      Dataset<Row> rows = input.sparkSession().createDataFrame(rdd, schema);
      Dataset<Row> kept = limit > 0 ? rows.limit(Math.toIntExact(numRows)) : rows;
      return new InputSlices(kept.repartition(partitions), numRows, partitions);
    }
    JavaRDD<Row> sliced =
        rdd.mapPartitionsWithIndex(
                (index, rows) -> new Numbered(rows, offsets[index], numRows), false)
            .mapToPair(pair -> pair)
            .repartitionAndSortWithinPartitions(new BySlice(numRows, partitions), new Ascending())
            .values();
    return new InputSlices(
        input.sparkSession().createDataFrame(sliced, schema), numRows, partitions);
  }

  private static Iterator<Long> count(Iterator<Row> rows) {
    long n = 0;
    while (rows.hasNext()) {
      rows.next();
      n++;
    }
    return Collections.singleton(n).iterator();
  }

  /** Rows with their positions in the whole input, up to a limit. */
  private static final class Numbered implements Iterator<Tuple2<Long, Row>> {
    private final Iterator<Row> rows;
    private final long end;
    private long position;

    Numbered(Iterator<Row> rows, long start, long end) {
      this.rows = rows;
      this.position = start;
      this.end = end;
    }

    @Override
    public boolean hasNext() {
      return position < end && rows.hasNext();
    }

    @Override
    public Tuple2<Long, Row> next() {
      return new Tuple2<>(position++, rows.next());
    }
  }

  /** Positions to slices of equal size, give or take one row. */
  private static final class BySlice extends Partitioner {
    private final long numRows;
    private final int slices;

    BySlice(long numRows, int slices) {
      this.numRows = numRows;
      this.slices = slices;
    }

    @Override
    public int numPartitions() {
      return slices;
    }

    @Override
    public int getPartition(Object key) {
      return (int) Math.floorDiv(Math.multiplyExact((Long) key, (long) slices), numRows);
    }
  }

  /** Natural order of positions, serialisable. */
  private static final class Ascending implements Comparator<Long>, Serializable {
    @Override
    public int compare(Long a, Long b) {
      return Long.compare(a, b);
    }
  }
}
