package dev.nightjar.job.evaluate;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.job.quality.Task;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * What is evaluated and how, beside the job's own configuration.
 *
 * @param out folder of results and reports
 * @param depths depth specs beside the dense one
 * @param perplexityColumn column with gold texts to score, if any
 * @param shards parts that the rows are cut into; each (spec, shard) is run and timed by itself
 * @param resamples of the bootstrap
 * @param confidence of the intervals, in (0, 1)
 * @param plotMetric metric of the plot instead of the task's main one
 * @param baselines whether policies that do not adapt are matched to those that do
 * @param overwrite whether results of another evaluation in {@code out} are deleted
 */
record EvaluationOptions(
    String out,
    List<String> depths,
    Task task,
    Optional<String> perplexityColumn,
    int shards,
    int resamples,
    double confidence,
    Optional<String> plotMetric,
    boolean baselines,
    boolean overwrite) {

  private static final int MAX_SHARDS = 1000;

  EvaluationOptions {
    depths = List.copyOf(depths);
    List<String> problems = new ArrayList<>();
    if (shards < 1 || shards > MAX_SHARDS) {
      problems.add("--shards is " + shards + ", expected 1 to " + MAX_SHARDS);
    }
    if (resamples < 1 || resamples > 1_000_000) {
      problems.add("--bootstrap is " + resamples + ", expected 1 to 1000000");
    }
    if (!(confidence > 0 && confidence < 1)) {
      problems.add("--confidence is " + confidence + ", expected a number between 0 and 1");
    }
    List<String> metrics = Metrics.names(task);
    if (plotMetric.isPresent() && !metrics.contains(plotMetric.get())) {
      problems.add("--metric is " + plotMetric.get() + ", expected one of " + metrics);
    }
    if (!problems.isEmpty()) {
      throw new EngineException(ErrorCode.INVALID_OPTION, String.join("\n", problems));
    }
  }

  /** The metric of the plot and of the short table. */
  String metric() {
    return plotMetric.orElse(Metrics.main(task));
  }
}
