package dev.nightjar.udfs;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.GenerationResult;
import java.io.Serializable;
import java.util.List;
import org.apache.spark.SparkContext;
import org.apache.spark.util.LongAccumulator;

/**
 * Counts of a running stage, for people to watch. Retried tasks may count twice; the numbers of
 * record are those of the result table.
 *
 * @param rows rows done
 * @param errors rows done with an error
 * @param promptTokens prompt tokens of the rows done
 * @param completionTokens generated tokens of the rows done
 * @param layersExecuted (token, layer) cells that ran
 * @param slots tokens fed through the model
 */
public record InferenceProgress(
    LongAccumulator rows,
    LongAccumulator errors,
    LongAccumulator promptTokens,
    LongAccumulator completionTokens,
    LongAccumulator layersExecuted,
    LongAccumulator slots)
    implements Serializable {

  /** Registers fresh counters. */
  public static InferenceProgress create(SparkContext context) {
    return new InferenceProgress(
        context.longAccumulator("rows"),
        context.longAccumulator("rows with errors"),
        context.longAccumulator("prompt tokens"),
        context.longAccumulator("completion tokens"),
        context.longAccumulator("layers executed"),
        context.longAccumulator("tokens through the model"));
  }

  /** All counters, in the order of the record. */
  public List<LongAccumulator> all() {
    return List.of(rows, errors, promptTokens, completionTokens, layersExecuted, slots);
  }

  void count(GenerationResult result) {
    rows.add(1L);
    if (result.error() != null) {
      errors.add(1L);
    }
    promptTokens.add((long) result.usage().promptTokens());
    completionTokens.add((long) result.usage().completionTokens());
    ComputeStats compute = result.compute();
    if (compute != null) {
      long executed = compute.layersExecuted() + compute.layersExecutedPrefill();
      long skipped =
          compute.layersSkipped() + compute.layersExited() + compute.layersSkippedPrefill();
      layersExecuted.add(executed);
      slots.add((executed + skipped) / compute.numHiddenLayers());
    }
  }
}
