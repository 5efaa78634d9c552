package dev.nightjar.engine;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.depth.LowRankUpdates;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.KvPool;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.ModelFiles;
import dev.nightjar.engine.model.ModelWeights;
import dev.nightjar.engine.model.OpenModel;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/**
 * The memory that an executor needs for a model, in bytes, worked out from the model's description
 * before anything is loaded: every row at its longest, every layer run.
 *
 * @param positions positions of a row, prompt and answer
 * @param rowsPerTask rows in flight per task
 * @param mappedWeightBytes weights mapped from the packed cache: one copy per host, in the page
 *     cache
 * @param ownWeightBytes weights in the executor's own memory, without a packed cache
 * @param kvBytesPerRow keys and values of one row
 * @param kvBytesPerTask keys and values of a task's rows, within {@code max-kv-bytes}; off the Java
 *     heap
 * @param activationBytesPerTask working memory of a task's largest step
 * @param maxKvBytes most bytes of keys and values of all tasks' rows; 0 is unlimited
 * @param prefixCacheBytes most bytes of prompt beginnings kept besides
 */
public record MemoryPlan(
    int positions,
    int rowsPerTask,
    long mappedWeightBytes,
    long ownWeightBytes,
    long kvBytesPerRow,
    long kvBytesPerTask,
    long activationBytesPerTask,
    long maxKvBytes,
    long prefixCacheBytes) {

  /**
   * Of a model that is not loaded; reads its description only.
   *
   * @param positions of a row at most; 0 or more than the model's context is the whole context
   */
  public static MemoryPlan of(Path model, EngineConfig options, int positions) {
    try (OpenModel files = ModelFiles.open(model)) {
      ModelConfig config = files.weights().config();
      LowRankUpdates none = LowRankUpdates.none(config.numLayers());
      return of(config, options, ModelWeights.packedBytes(files.weights(), none), positions, 1);
    }
  }

  /**
   * Of a model with these weights.
   *
   * @param runs times a layer may run for a token
   */
  static MemoryPlan of(
      ModelConfig config, EngineConfig options, long weightBytes, int positions, int runs) {
    int longest =
        positions == 0 ? config.contextLength() : Math.min(positions, config.contextLength());
    boolean shared = !options.host().packedCache().equals(EngineConfig.Host.OFF);
    KvPool pool = new KvPool(config, options.keysValues().type(), 0, Arena.ofAuto());
    long perRow = runs * pool.worstCaseBytes(longest);
    long perTask = options.maxBatch() * perRow;
    int slots = Math.max(options.stepTokens(), options.maxBatch());
    if (options.promptChunk() == 0) {
      slots = Math.max(slots, longest);
    }
    return new MemoryPlan(
        longest,
        options.maxBatch(),
        shared ? weightBytes : 0,
        shared ? 0 : weightBytes,
        perRow,
        options.maxKvBytes() == 0 ? perTask : Math.min(perTask, options.maxKvBytes()),
        Activations.byteSize(config, slots, options.maxBatch(), longest),
        options.maxKvBytes(),
        options.keysValues().prefixCacheBytes());
  }

  /** Java heap of an executor with this many tasks at a time. */
  public long heapBytes(int tasks) {
    return tasks * activationBytesPerTask;
  }

  /** Memory of the executor alone outside the heap. */
  public long offHeapBytes(int tasks) {
    long rows = tasks * kvBytesPerTask;
    // A task goes on with one row whatever the limit says.
    long most = maxKvBytes == 0 ? rows : Math.min(rows, maxKvBytes + (tasks - 1) * kvBytesPerRow);
    return ownWeightBytes + most + prefixCacheBytes;
  }

  /** The same with the mapped weights, which cluster managers count for each executor. */
  public long residentBytes(int tasks) {
    return mappedWeightBytes + offHeapBytes(tasks);
  }

  /** All of it. */
  public long totalBytes(int tasks) {
    return heapBytes(tasks) + residentBytes(tasks);
  }
}
