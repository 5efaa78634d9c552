package dev.nightjar.udfs;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import java.util.Map;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;

/**
 * Optional ({@code --conf spark.plugins=dev.nightjar.udfs.NightjarPlugin}): reports the engines of
 * each executor as metrics and closes them when the executor shuts down.
 */
public final class NightjarPlugin implements SparkPlugin {
  @Override
  public DriverPlugin driverPlugin() {
    return null;
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new Engines();
  }

  private static final class Engines implements ExecutorPlugin {
    @Override
    public void init(PluginContext context, Map<String, String> extraConf) {
      MetricRegistry metrics = context.metricRegistry();
      metrics.register("enginesLoaded", (Gauge<Integer>) ExecutorEngines::size);
      metrics.register("engineLoads", (Gauge<Long>) ExecutorEngines::loads);
      metrics.register("weightBytes", (Gauge<Long>) ExecutorEngines::weightBytes);
    }

    @Override
    public void shutdown() {
      ExecutorEngines.closeIdle();
    }
  }
}
