package dev.nightjar.engine.model;

import dev.nightjar.engine.api.ComputeStats;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * What the forward pass keeps for one sequence: its keys and values, its counters, optionally a
 * trace of its layers.
 */
public final class SequenceState {
  final KvCache cache;
  final ComputeCounter counter;
  final long rowHash;
  private final List<BitSet> trace;
  private int slots;

  /**
   * @param rowHash hash of the row key, for policies that draw random decisions
   * @param traced whether to record which layers each slot runs
   */
  public SequenceState(ModelConfig config, KvPages pages, long rowHash, boolean traced) {
    this.cache = new KvCache(config.numLayers(), config.numKvHeads(), config.headDim(), pages);
    this.counter = new ComputeCounter(config);
    this.rowHash = rowHash;
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
    return counter.capture(depthPolicy, cache.byteSize(), slots);
  }

  /** Gives the sequence's memory back. */
  public void release() {
    cache.release();
  }
}
