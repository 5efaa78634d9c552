package dev.nightjar.udfs;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.GenerationResult;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the tasks of this JVM have done since it started, of jobs and SQL functions alike. Unlike
 * accumulators these counts never shrink and include attempts whose task failed later. Safe for
 * concurrent use.
 */
public final class ExecutorCounts {
  private static final ExecutorCounts INSTANCE = new ExecutorCounts();

  private final LongAdder rows = new LongAdder();
  private final LongAdder errorRows = new LongAdder();
  private final LongAdder promptTokens = new LongAdder();
  private final LongAdder completionTokens = new LongAdder();
  private final LongAdder prefixHits = new LongAdder();
  private final LongAdder prefixTokens = new LongAdder();
  private final LongAdder layersExecuted = new LongAdder();
  private final LongAdder slots = new LongAdder();

  private ExecutorCounts() {}

  /**
   * The counts at one moment.
   *
   * @param rows rows done, those with an error included
   * @param promptTokens prompt tokens of rows done, those that another row computed included
   * @param prefixHits rows that went on from a prompt beginning that another row computed
   * @param prefixTokens prompt tokens that they did not compute
   * @param layersExecuted (slot, layer) cells that ran
   * @param slots tokens fed through the model
   */
  public record Snapshot(
      long rows,
      long errorRows,
      long promptTokens,
      long completionTokens,
      long prefixHits,
      long prefixTokens,
      long layersExecuted,
      long slots) {
    /** Layers that a token ran in the mean; 0 before the first. */
    public double meanLayers() {
      return slots == 0 ? 0 : (double) layersExecuted / slots;
    }
  }

  /** The counts now. */
  public static Snapshot now() {
    return INSTANCE.snapshot();
  }

  /** Counts a row that is done. */
  static void count(GenerationResult result) {
    INSTANCE.add(result);
  }

  private void add(GenerationResult result) {
    rows.increment();
    if (result.error() != null) {
      errorRows.increment();
    }
    promptTokens.add(result.usage().promptTokens());
    completionTokens.add(result.usage().completionTokens());
    if (result.usage().cachedTokens() > 0) {
      prefixHits.increment();
      prefixTokens.add(result.usage().cachedTokens());
    }
    ComputeStats compute = result.compute();
    if (compute != null) {
      layersExecuted.add(compute.cellsExecuted());
      slots.add(compute.cells() / compute.numHiddenLayers());
    }
  }

  private Snapshot snapshot() {
    return new Snapshot(
        rows.sum(),
        errorRows.sum(),
        promptTokens.sum(),
        completionTokens.sum(),
        prefixHits.sum(),
        prefixTokens.sum(),
        layersExecuted.sum(),
        slots.sum());
  }
}
