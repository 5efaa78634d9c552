package dev.nightjar.job;

import dev.nightjar.udfs.InferenceProgress;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.scheduler.AccumulableInfo;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorMetricsUpdate;
import org.apache.spark.scheduler.SparkListenerTaskEnd;
import org.apache.spark.util.LongAccumulator;
import scala.jdk.javaapi.CollectionConverters;
import scala.jdk.javaapi.OptionConverters;

/**
 * Current values of a run's counters: those of finished tasks from the accumulators, those of
 * running tasks from the executors' heartbeats.
 */
final class ProgressTracker extends SparkListener {
  private final List<LongAccumulator> counters;
  private final LongAccumulator errors;
  private final Map<Long, Integer> indexById = new HashMap<>();
  private final Map<Long, long[]> running = new HashMap<>();

  /** Counts at one moment, in the order of {@link InferenceProgress#all}. */
  record Snapshot(
      long rows, long errors, long promptTokens, long completionTokens, long layers, long slots) {
    /** Mean number of layers that a token ran, or 0 before the first. */
    double meanLayers() {
      return slots == 0 ? 0 : (double) layers / slots;
    }
  }

  ProgressTracker(InferenceProgress progress) {
    counters = progress.all();
    errors = progress.errors();
    for (int i = 0; i < counters.size(); i++) {
      indexById.put(counters.get(i).id(), i);
    }
  }

  @Override
  public void onExecutorMetricsUpdate(SparkListenerExecutorMetricsUpdate update) {
    CollectionConverters.asJava(update.accumUpdates())
        .forEach(task -> heartbeat((Long) task._1(), CollectionConverters.asJava(task._4())));
  }

  @Override
  public synchronized void onTaskEnd(SparkListenerTaskEnd end) {
    running.remove(end.taskInfo().taskId());
  }

  private synchronized void heartbeat(long taskId, List<AccumulableInfo> updates) {
    long[] values = null;
    for (AccumulableInfo info : updates) {
      Integer index = indexById.get(info.id());
      if (index != null && OptionConverters.toJava(info.update()).orElse(0L) instanceof Long n) {
        values = values == null ? new long[counters.size()] : values;
        values[index] = n;
      }
    }
    if (values != null) {
      running.put(taskId, values);
    }
  }

  /**
   * Rows with errors in the tasks that have ended: never too high, as {@link #snapshot} can be for
   * the moment between a task's end and the news of it.
   */
  long errorsOfFinishedTasks() {
    return errors.sum();
  }

  /** The counts now. */
  synchronized Snapshot snapshot() {
    long[] sum = new long[counters.size()];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = counters.get(i).sum();
    }
    for (long[] task : running.values()) {
      for (int i = 0; i < sum.length; i++) {
        sum[i] += task[i];
      }
    }
    return new Snapshot(sum[0], sum[1], sum[2], sum[3], sum[4], sum[5]);
  }
}
