package dev.nightjar.udfs;

import com.codahale.metrics.Gauge;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.spark.SparkContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Optional ({@code --conf spark.plugins=dev.nightjar.udfs.NightjarPlugin}): reports what each
 * executor's engines do and hold to Spark's metrics system, on the executor itself and, added up,
 * on the driver; and closes the engines when the executor shuts down. The page {@code
 * docs/report.md} lists the gauges.
 */
public final class NightjarPlugin implements SparkPlugin {
  private static final System.Logger LOGGER = System.getLogger(NightjarPlugin.class.getName());

  /** What Spark calls the executor of local mode. */
  private static final String LOCAL_EXECUTOR = "driver";

  @Override
  public DriverPlugin driverPlugin() {
    return new Sums();
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new Engines();
  }

  /** All executors' gauges on the driver; in local mode the executor's own are there already. */
  private static final class Sums implements DriverPlugin {
    private final ClusterGauges sums = new ClusterGauges();
    private boolean local;

    @Override
    public Map<String, String> init(SparkContext spark, PluginContext context) {
      local = spark.isLocal();
      return Map.of();
    }

    @Override
    public void registerMetrics(String applicationId, PluginContext context) {
      if (!local) {
        sums.register(context.metricRegistry());
      }
    }

    @Override
    public Object receive(Object message) {
      if (message instanceof ClusterGauges.Reading reading) {
        sums.receive(reading, System.nanoTime());
      }
      return null;
    }
  }

  private static final class Engines implements ExecutorPlugin {
    private final ScheduledExecutorService timer =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("nightjar-gauges").factory());

    @Override
    public void init(PluginContext context, Map<String, String> extraConf) {
      for (ExecutorGauge gauge : ExecutorGauge.values()) {
        context.metricRegistry().register(gauge.metricName(), (Gauge<Number>) gauge::read);
      }
      if (!context.executorID().equals(LOCAL_EXECUTOR)) {
        timer.scheduleWithFixedDelay(
            () -> send(context), ClusterGauges.SECONDS, ClusterGauges.SECONDS, TimeUnit.SECONDS);
      }
    }

    private static void send(PluginContext context) {
      try {
        context.send(ClusterGauges.Reading.now(context.executorID()));
      } catch (IOException e) {
        LOGGER.log(System.Logger.Level.DEBUG, "The driver was not told of the gauges", e);
      }
    }

    @Override
    public void shutdown() {
      timer.shutdownNow();
      ExecutorEngines.closeIdle();
    }
  }
}
