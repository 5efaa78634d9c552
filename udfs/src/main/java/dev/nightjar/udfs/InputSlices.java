package dev.nightjar.udfs;

import java.io.Serializable;
import java.util.BitSet;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.apache.spark.Partitioner;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.rdd.PartitionPruningRDD;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import scala.Function1;
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
 * @param slices the partitions of {@code rows}; jobs over it or over parts of it cut the input once
 * @param numRows how many rows there are
 * @param numPartitions partitions of {@code rows}
 */
public record InputSlices(Dataset<Row> rows, JavaRDD<Row> slices, long numRows, int numPartitions) {

  /**
   * Counts and cuts; runs one Spark job.
   *
   * @param rowsPerTask most rows of a partition
   * @param minPartitions partitions wanted at least, so that no slot idles
   * @param limit rows to keep, the first ones where the order is fixed; 0 keeps all
   */
  public static InputSlices of(Dataset<Row> input, int rowsPerTask, int minPartitions, long limit) {
    long[] counts = counts(input);
    long total = 0;
    for (long count : counts) {
      total += count;
    }
    long numRows = limit > 0 ? Math.min(limit, total) : total;
    int partitions = partitions(numRows, rowsPerTask, minPartitions);
    if (!isDeterminate(input)) {
      Dataset<Row> rows = input.sparkSession().createDataFrame(input.javaRDD(), input.schema());
      Dataset<Row> kept = limit > 0 ? rows.limit(Math.toIntExact(numRows)) : rows;
      return of(kept.repartition(partitions).javaRDD(), input, numRows, partitions);
    }
    BitSet[] kept = new BitSet[counts.length];
    long left = numRows;
    for (int i = 0; i < kept.length; i++) {
      kept[i] = new BitSet();
      kept[i].set(0, Math.toIntExact(Math.min(left, counts[i])));
      left -= kept[i].cardinality();
    }
    return of(input, kept, rowsPerTask, minPartitions);
  }

  /**
   * Cuts some rows of an input whose order is fixed; runs no Spark job.
   *
   * @param kept for each partition of the input the positions in it of the rows to keep
   */
  public static InputSlices of(
      Dataset<Row> input, BitSet[] kept, int rowsPerTask, int minPartitions) {
    long[] offsets = new long[kept.length];
    long total = 0;
    for (int i = 0; i < kept.length; i++) {
      offsets[i] = total;
      total += kept[i].cardinality();
    }
    long numRows = total;
    int partitions = partitions(numRows, rowsPerTask, minPartitions);
    Broadcast<BitSet[]> shared =
        JavaSparkContext.fromSparkContext(input.sparkSession().sparkContext()).broadcast(kept);
    JavaRDD<Row> sliced =
        input
            .javaRDD()
            .mapPartitionsWithIndex(
                (index, rows) -> new Numbered(rows, shared.value()[index], offsets[index]), false)
            .mapToPair(pair -> pair)
            .repartitionAndSortWithinPartitions(new BySlice(numRows, partitions), new Ascending())
            .values();
    return of(sliced, input, numRows, partitions);
  }

  private static InputSlices of(
      JavaRDD<Row> slices, Dataset<Row> input, long numRows, int partitions) {
    Dataset<Row> rows = input.sparkSession().createDataFrame(slices, input.schema());
    return new InputSlices(rows, slices, numRows, partitions);
  }

  private static int partitions(long numRows, int rowsPerTask, int minPartitions) {
    long wanted = Math.max(minPartitions, Math.ceilDiv(numRows, rowsPerTask));
    return Math.toIntExact(Math.max(1, Math.min(wanted, numRows)));
  }

  /** Rows of each partition of an input; runs one Spark job. */
  public static long[] counts(Dataset<Row> input) {
    List<Long> counts = input.javaRDD().mapPartitions(InputSlices::count).collect();
    return counts.stream().mapToLong(Long::longValue).toArray();
  }

  /** Whether the input's partitions and their order are the same each time they are computed. */
  public static boolean isDeterminate(Dataset<Row> input) {
    return input.javaRDD().rdd().outputDeterministicLevel().toString().equals("DETERMINATE");
  }

  /** The rows of some consecutive partitions, from {@code first} to before {@code end}. */
  @SuppressWarnings("unchecked")
  public Dataset<Row> range(int first, int end) {
    Function1<Object, Object> within =
        (Function1<Object, Object> & Serializable)
            index -> (Integer) index >= first && (Integer) index < end;
    SparkSession spark = rows.sparkSession();
    return spark.createDataFrame(
        PartitionPruningRDD.create(slices.rdd(), within).toJavaRDD(), rows.schema());
  }

  /** Rows of some consecutive partitions, from {@code first} to before {@code end}. */
  public long numRows(int first, int end) {
    return start(end) - start(first);
  }

  /** The first position that {@link BySlice} deals to a partition. */
  private long start(int partition) {
    return Math.ceilDiv(Math.multiplyExact((long) partition, numRows), numPartitions);
  }

  private static Iterator<Long> count(Iterator<Row> rows) {
    long n = 0;
    while (rows.hasNext()) {
      rows.next();
      n++;
    }
    return Collections.singleton(n).iterator();
  }

  /** The kept rows of a partition with their positions among all kept rows. */
  private static final class Numbered implements Iterator<Tuple2<Long, Row>> {
    private final Iterator<Row> rows;
    private final BitSet kept;
    private long number;
    private int position;
    private int next;

    Numbered(Iterator<Row> rows, BitSet kept, long start) {
      this.rows = rows;
      this.kept = kept;
      this.number = start;
      this.next = kept.nextSetBit(0);
    }

    @Override
    public boolean hasNext() {
      while (next >= 0 && position < next && rows.hasNext()) {
        rows.next();
        position++;
      }
      return next >= 0 && rows.hasNext();
    }

    @Override
    public Tuple2<Long, Row> next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      next = kept.nextSetBit(next + 1);
      position++;
      return new Tuple2<>(number++, rows.next());
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
