package dev.nightjar.job;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.SparkSession;
import scala.Tuple2;

/** Sessions for our commands: the one that spark-submit prepared, or an embedded local one. */
public final class SparkSessions {
  private static final String OWN_PREFIX = "spark.nightjar.";

  private SparkSessions() {}

  /**
   * An executor that is lost takes its part of the cut input along, and so one attempt of the
   * chunk's stage; Spark's own limit of 4 would end a night on machines that come and go.
   */
  private static final String STAGE_ATTEMPTS = "spark.stage.maxConsecutiveAttempts";

  private static final int MOST_STAGE_ATTEMPTS = 20;

  /** The configuration keys given as Spark properties, without their {@code spark.nightjar.}. */
  static Map<String, String> nightjarProperties() {
    Map<String, String> found = new LinkedHashMap<>();
    for (Tuple2<String, String> property : new SparkConf().getAllWithPrefix(OWN_PREFIX)) {
      found.put(property._1(), property._2());
    }
    return found;
  }

  /** Whether Spark was set up from outside, by spark-submit or system properties. */
  static boolean underSparkSubmit() {
    return new SparkConf().contains("spark.master");
  }

  /**
   * Opens a session. Without spark-submit it runs in this JVM, on all cores, reachable from this
   * machine only and without the web interface.
   *
   * @param properties Spark properties that win over the defaults of an embedded session; {@code
   *     spark-submit}'s own win over them
   */
  public static SparkSession open(String appName, Map<String, String> properties) {
    SparkConf submitted = new SparkConf();
    SparkSession.Builder builder = SparkSession.builder();
    if (!submitted.contains("spark.app.name")) {
      builder.appName(appName);
    }
    if (!underSparkSubmit()) {
      embedded(Runtime.getRuntime().availableProcessors()).forEach(builder::config);
    }
    if (!submitted.contains(STAGE_ATTEMPTS)) {
      builder.config(STAGE_ATTEMPTS, MOST_STAGE_ATTEMPTS);
    }
    properties.forEach((key, value) -> {
      if (!submitted.contains(key)) {
        builder.config(key, value);
      }
    });
    return builder.getOrCreate();
  }

  private static Map<String, String> embedded(int cores) {
    return Map.of(
        "spark.master", "local[*]",
        "spark.driver.bindAddress", "127.0.0.1",
        "spark.driver.host", "127.0.0.1",
        "spark.ui.enabled", "false",
        "spark.ui.showConsoleProgress", "false",
        "spark.executor.heartbeatInterval", "2s",
        "spark.sql.shuffle.partitions", String.valueOf(2 * cores));
  }
}
