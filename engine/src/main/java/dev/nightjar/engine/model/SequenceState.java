package dev.nightjar.engine.model;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.RowContext;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * What the forward pass keeps for one sequence: its keys and values, its counters, what its policy
 * remembers of it, optionally a trace of its layers.
 */
public final class SequenceState {
  final KvCache cache;
  final ComputeCounter counter;
  final RowContext row;
  final DeferredSlots deferred;
  private final ModelConfig config;
  private final List<BitSet> trace;
  private int slots;
  private boolean stopped;

  /**
   * A sequence that has computed nothing.
   *
   * @param traced whether to record which layers each slot runs
   */
  public SequenceState(
      ModelConfig config, KvPages pages, DepthPolicy policy, RowContext row, boolean traced) {
    int layers = policy.repeats() ? 2 * config.numLayers() : config.numLayers();
    this.config = config;
    this.cache = new KvCache(layers, config.numKvHeads(), config.headDim(), pages);
    this.counter = new ComputeCounter(config);
    this.row = row;
    this.deferred = new DeferredSlots(config.hiddenSize());
    this.trace = traced ? new ArrayList<>() : null;
  }

  void enter(int position) {
    slots++;
    counter.slot(position);
    if (trace != null) {
      trace.add(new BitSet());
    }
  }

  void traceRun(int position, int layer) {
    if (trace != null) {
      trace.get(position).set(layer);
    }
  }

  void stop() {
    stopped = true;
  }

  /** Whether the policy gave the row up. */
  public boolean stopped() {
    return stopped;
  }

  /** Layers run by each slot so far, by position; empty unless traced. */
  public List<BitSet> trace() {
    return trace == null ? List.of() : List.copyOf(trace);
  }

  /** (slot, layer) cells that ran so far. */
  public long cellsExecuted() {
    return counter.cellsExecuted();
  }

  /** Entries of keys and values that a layer holds. */
  public int kvEntries(int layer) {
    return cache.length(layer);
  }

  /** The work so far. */
  public ComputeStats stats(String depthPolicy) {
    return counter.capture(
        depthPolicy, cache.byteSize(), slots, deferred.waiting(config.numLayers()));
  }

  /** Gives the sequence's memory back. */
  public void release() {
    cache.release();
  }
}
