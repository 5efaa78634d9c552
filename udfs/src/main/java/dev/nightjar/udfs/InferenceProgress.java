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
 * @param profile layers by position, and rows to look at; null if nobody wants it
 */
public record InferenceProgress(
    LongAccumulator rows,
    LongAccumulator errors,
    LongAccumulator promptTokens,
    LongAccumulator completionTokens,
    LongAccumulator layersExecuted,
    LongAccumulator slots,
    ProfileAccumulator profile)
    implements Serializable {

  /** Registers fresh counters. */
  public static InferenceProgress create(SparkContext context) {
    return new InferenceProgress(
        context.longAccumulator("rows"),
        context.longAccumulator("rows with errors"),
        context.longAccumulator("prompt tokens"),
        context.longAccumulator("completion tokens"),
        context.longAccumulator("layers executed"),
        context.longAccumulator("tokens through the model"),
        null);
  }

  /** The same counters with a fresh profile. */
  public InferenceProgress withProfile(SparkContext context) {
    ProfileAccumulator fresh = new ProfileAccumulator();
    // Without a name, it is no news for listeners and no line of the event log.
    context.register(fresh);
    return new InferenceProgress(
        rows, errors, promptTokens, completionTokens, layersExecuted, slots, fresh);
  }

  /** All counters, in the order of the record; not the profile. */
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
      layersExecuted.add(compute.cellsExecuted());
      slots.add(compute.cells() / compute.numHiddenLayers());
    }
  }
}
