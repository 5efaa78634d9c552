package dev.nightjar.job.sql;

import dev.nightjar.job.TinyRuns;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.sql.SparkSession;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Counts the rows that reach the model by the plan's own metric, as the tasks report it: what the
 * SQL tab shows.
 */
final class ModelRows extends SparkListener {
  private static final String METRIC = "rows sent to the model";

  private final AtomicLong rows = new AtomicLong();
  private final SparkSession spark;

  private ModelRows(SparkSession spark) {
    this.spark = spark;
  }

  static ModelRows of(SparkSession spark) {
    ModelRows counter = new ModelRows(spark);
    spark.sparkContext().addSparkListener(counter);
    return counter;
  }

  /** A session on two threads whose functions run a tiny model, two tokens a row. */
  static SparkSession session(Path model) {
    String warehouse = "spark.sql.warehouse.dir";
    System.setProperty(warehouse, model.resolveSibling("warehouse").toString());
    SparkSession spark = TinyRuns.session("local[2]");
    System.clearProperty(warehouse);
    spark.conf().set("spark.nightjar.model", model.toString());
    spark.conf().set("spark.nightjar.sampling.max-tokens", "2");
    spark.conf().set("spark.nightjar.engine.batch-size", "4");
    spark.conf().set("spark.nightjar.engine.packed-cache", "off");
    return spark;
  }

  @Override
  public void onTaskEnd(SparkListenerTaskEnd end) {
    CollectionConverters.asJava(end.taskInfo().accumulables())
        .forEach(metric -> {
          if (metric.name().exists(METRIC::equals) && metric.update().isDefined()) {
            rows.addAndGet(Long.parseLong(metric.update().get().toString()));
          }
        });
  }

  /** Rows since the last call. */
  long take() throws Exception {
    spark.sparkContext().listenerBus().waitUntilEmpty();
    return rows.getAndSet(0);
  }
}
