package dev.nightjar.engine.model;

import dev.nightjar.engine.api.ComputeStats;
import java.util.ArrayList;
import java.util.List;

/**
 * Counts one sequence's work as it happens; captured into {@link ComputeStats} at its end. Confined
 * to one thread.
 */
public final class ComputeCounter {
  private final ModelConfig config;
  private final long[] executions;
  private final int[] exitHistogram;
  private long executed;
  private long skipped;
  private long exited;
  private long executedPrompt;
  private long skippedPrompt;
  private long macs;
  private long macsFull;

  ComputeCounter(ModelConfig config) {
    this.config = config;
    this.executions = new long[config.numLayers()];
    this.exitHistogram = new int[config.numLayers() + 1];
  }

  void ran(int layer, boolean producing, int attended) {
    executions[layer]++;
    if (producing) {
      executed++;
    } else {
      executedPrompt++;
    }
    macs += config.layerMacs() + 2L * attended * config.queryDim();
  }

  void skipped(boolean producing) {
    if (producing) {
      skipped++;
    } else {
      skippedPrompt++;
    }
  }

  void leftBelow() {
    exited++;
    macs += config.kvProjectionMacs();
  }

  void spent(long extraMacs) {
    macs += extraMacs;
  }

  void produced(int layersRun) {
    exitHistogram[layersRun]++;
    macsFull += config.headMacs();
    macs += config.headMacs();
  }

  /** A probe whose token left here: its head evaluation is already counted as the probe. */
  void producedByProbe(int layersRun) {
    exitHistogram[layersRun]++;
    macsFull += config.headMacs();
  }

  void slot(int position) {
    macsFull += config.numLayers() * (config.layerMacs() + 2L * (position + 1) * config.queryDim());
  }

  /** (slot, layer) cells that ran so far. */
  public long cellsExecuted() {
    return executed + executedPrompt;
  }

  /** The counts so far as an immutable value. */
  public ComputeStats capture(String depthPolicy, long kvBytes, int slots) {
    int early = 0;
    List<Integer> histogram = new ArrayList<>(exitHistogram.length);
    for (int layer = 0; layer < exitHistogram.length; layer++) {
      histogram.add(exitHistogram[layer]);
      if (layer < config.numLayers()) {
        early += exitHistogram[layer];
      }
    }
    List<Long> perLayer = new ArrayList<>(executions.length);
    for (long count : executions) {
      perLayer.add(count);
    }
    return new ComputeStats(
        depthPolicy,
        config.numLayers(),
        executed,
        skipped,
        exited,
        executedPrompt,
        skippedPrompt,
        0,
        0,
        early,
        histogram,
        perLayer,
        kvBytes,
        (long) slots * config.numLayers() * KvCache.entryBytes(config.kvDim()),
        2.0 * macs,
        2.0 * macsFull);
  }
}
