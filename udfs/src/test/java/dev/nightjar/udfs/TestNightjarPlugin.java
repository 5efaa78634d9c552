package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import com.codahale.metrics.MetricRegistry;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What executors tell, added up on the driver. */
class TestNightjarPlugin {
  private static ClusterGauges.Reading reading(String executor, long layers, long tokens, int kv) {
    int size = ExecutorGauge.values().length;
    List<Number> values = new ArrayList<>(Collections.nCopies(size, 0L));
    values.set(ExecutorGauge.LAYERS_EXECUTED.ordinal(), layers);
    values.set(ExecutorGauge.TOKENS_COMPUTED.ordinal(), tokens);
    values.set(ExecutorGauge.KV_BYTES.ordinal(), kv);
    return new ClusterGauges.Reading(executor, values);
  }

  @Test
  void countsStayAndLevelsGoWithTheirExecutor() {
    ClusterGauges gauges = new ClusterGauges();
    gauges.receive(reading("1", 10, 5, 100), 0);
    gauges.receive(reading("2", 80, 10, 1000), 0);
    gauges.receive(reading("1", 40, 20, 300), TimeUnit.SECONDS.toNanos(20));
    long later = TimeUnit.SECONDS.toNanos(40);
    assertThat(gauges.value(ExecutorGauge.LAYERS_EXECUTED, 0)).isEqualTo(120);
    assertThat(gauges.value(ExecutorGauge.MEAN_LAYERS, later)).isEqualTo(120.0 / 30);
    assertThat(gauges.value(ExecutorGauge.KV_BYTES, 0)).isEqualTo(1300);
    assertThat(gauges.value(ExecutorGauge.KV_BYTES, later)).isEqualTo(300);
  }

  @Test
  void driverHasTheExecutorsNames() {
    MetricRegistry metrics = new MetricRegistry();
    ClusterGauges gauges = new ClusterGauges();
    gauges.register(metrics);
    assertThat(metrics.getGauges().get("executors").getValue()).isEqualTo(0L);
    gauges.receive(ClusterGauges.Reading.now("1"), System.nanoTime());
    assertThat(metrics.getGauges().get("executors").getValue()).isEqualTo(1L);
    for (ExecutorGauge gauge : ExecutorGauge.values()) {
      assertThat(metrics.getGauges()).containsKey(gauge.metricName());
    }
    assertThat(metrics.getGauges().get("engineLoads").getValue())
        .isEqualTo((double) ExecutorEngines.loads());
  }
}
