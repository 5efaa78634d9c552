package dev.nightjar.job.evaluate;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;

/** The first rows of every partition: enough for each executor to load and warm an engine. */
record FirstRows(int count) implements MapPartitionsFunction<Row, Row> {
  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    List<Row> first = new ArrayList<>();
    while (first.size() < count && rows.hasNext()) {
      first.add(rows.next());
    }
    return first.iterator();
  }
}
