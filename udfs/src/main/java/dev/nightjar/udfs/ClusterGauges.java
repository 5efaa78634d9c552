package dev.nightjar.udfs;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The gauges of all executors, as they last told the driver. Safe for concurrent use. */
final class ClusterGauges {
  /** Time between two readings of an executor. */
  static final long SECONDS = 5;

  /** An executor that was not heard of for so long holds nothing any more. */
  private static final long SILENCE = TimeUnit.SECONDS.toNanos(6 * SECONDS);

  private final Map<String, Heard> executors = new HashMap<>();

  /** The numbers of an executor, in the order of {@link ExecutorGauge}. */
  record Reading(String executor, List<Number> values) implements Serializable {
    Reading {
      values = List.copyOf(values);
    }

    /** Those of this JVM. */
    static Reading now(String executor) {
      List<Number> values = new ArrayList<>();
      for (ExecutorGauge gauge : ExecutorGauge.values()) {
        values.add(gauge.read());
      }
      return new Reading(executor, values);
    }
  }

  private record Heard(Reading reading, long nanos) {}

  /** Registers the sums under the executors' names, and the number of executors heard of. */
  void register(MetricRegistry metrics) {
    metrics.register("executors", (Gauge<Number>) () -> present(System.nanoTime()));
    for (ExecutorGauge gauge : ExecutorGauge.values()) {
      metrics.register(gauge.metricName(), (Gauge<Number>) () -> value(gauge, System.nanoTime()));
    }
  }

  /** Takes an executor's numbers. */
  synchronized void receive(Reading reading, long nowNanos) {
    executors.put(reading.executor(), new Heard(reading, nowNanos));
  }

  private synchronized long present(long nowNanos) {
    return executors.values().stream().filter(heard -> isPresent(heard, nowNanos)).count();
  }

  private static boolean isPresent(Heard heard, long nowNanos) {
    return nowNanos - heard.nanos() <= SILENCE;
  }

  /** What a gauge is over all executors. */
  synchronized double value(ExecutorGauge gauge, long nowNanos) {
    if (gauge.kind() == ExecutorGauge.Kind.MEAN) {
      double slots = value(ExecutorGauge.TOKENS_COMPUTED, nowNanos);
      return slots == 0 ? 0 : value(ExecutorGauge.LAYERS_EXECUTED, nowNanos) / slots;
    }
    double sum = 0;
    for (Heard heard : executors.values()) {
      if (gauge.kind() == ExecutorGauge.Kind.COUNT || isPresent(heard, nowNanos)) {
        sum += heard.reading().values().get(gauge.ordinal()).doubleValue();
      }
    }
    return sum;
  }
}
