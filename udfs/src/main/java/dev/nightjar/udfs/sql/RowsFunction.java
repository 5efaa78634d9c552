package dev.nightjar.udfs.sql;

import dev.nightjar.engine.api.GenerationResult;
import java.io.Serializable;
import java.util.Iterator;
import java.util.function.Consumer;
import org.apache.spark.sql.Row;

/** Whole partitions of rows in, rows of another schema out; travels to the executors. */
public interface RowsFunction extends Serializable {
  /**
   * The rows of one partition, computed as they are asked for.
   *
   * @param counter told of every row that is done
   */
  Iterator<Row> apply(Iterator<Row> rows, Consumer<GenerationResult> counter);
}
