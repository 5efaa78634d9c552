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
  Shadows shadows;
  private final ModelConfig config;
  private final List<BitSet> trace;
  private int slots;
  private boolean stopped;
  private final int promptTokens;
  private boolean filtering;
  private int[] kept;

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
    this.promptTokens = row.promptTokens();
    this.filtering = policy.filter() != null && policy.filter().keeps(promptTokens) < promptTokens;
  }

  void enter(int position) {
    if (kept != null && position < kept.length) {
      return;
    }
    slots++;
    counter.slot(origin(position));
    if (trace != null) {
      trace.add(new BitSet());
    }
  }

  void traceRun(int position, int layer) {
    if (trace != null) {
      trace.get(origin(position)).set(layer);
    }
  }

  /** Forgets what drafts ran beyond what they have in common with the whole model. */
  void forgetDrafts(int first, int count) {
    deferred.truncate(count);
    for (int layer = 0; layer < config.numLayers(); layer++) {
      boolean common = deferred.size() > 0 && layer < deferred.from(0);
      cache.truncate(layer, common ? first + deferred.size() : first);
    }
  }

  /**
   * Ends a round: the first slots that were verified become slots of the row, the others never
   * were.
   *
   * @param first position of the round's first slot
   * @param slots how many stay; each produced one token
   * @param drafted tokens that were drafted
   * @param accepted those of them that were generated
   */
  public void accept(int first, int slots, int drafted, int accepted) {
    deferred.clear();
    if (shadows != null) {
      shadows.end();
    }
    for (int layer = 0; layer < config.numLayers(); layer++) {
      cache.truncate(layer, first + slots);
    }
    for (int position = first; position < first + slots; position++) {
      this.slots++;
      counter.verified(position);
      if (trace != null) {
        BitSet all = new BitSet();
        all.set(0, config.numLayers());
        trace.add(all);
      }
    }
    counter.drafted(drafted, accepted);
  }

  /**
   * Keeps the residuals of the coming round after some layers.
   *
   * @param exits numbers of layers run; the same array on every call of a row
   * @param first position of the round's first slot
   */
  public void watch(int[] exits, int first) {
    if (shadows == null) {
      shadows = new Shadows(exits, config.hiddenSize());
    }
    shadows.begin(first);
  }

  /** Where a slot is in the row as it was given, before its prompt was filtered. */
  private int origin(int position) {
    if (kept == null) {
      return position;
    }
    return position < kept.length ? kept[position] : position - kept.length + promptTokens;
  }

  /** Whether the prompt is still to be shortened by the policy's filter. */
  public boolean filtering() {
    return filtering;
  }

  /** Reads the prompt as it is, whatever the filter says. */
  void readWhole() {
    filtering = false;
  }

  void chose(int[] positions) {
    kept = positions;
  }

  /**
   * Starts again with the prompt tokens that the filter has chosen in the step just run.
   *
   * @return their positions in the prompt, ascending, or null if there is nothing to start again
   */
  public int[] restart() {
    if (!filtering || kept == null) {
      return null;
    }
    filtering = false;
    cache.release();
    row.restart(kept.length);
    return kept;
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

  /** What the policy may know of the row. */
  public RowContext row() {
    return row;
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
