package dev.nightjar.engine.model;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.depth.Cells;
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
  private long attentionSkipped;
  private long feedForwardSkipped;
  private long macs;
  private long macsFull;
  private long macsCached;
  private long work;
  private int drafted;
  private int accepted;

  ComputeCounter(ModelConfig config) {
    this.config = config;
    this.executions = new long[config.numLayers()];
    this.exitHistogram = new int[config.numLayers() + 1];
  }

  /** An attention sublayer ran over {@code attended} stored positions. */
  void attended(int attended) {
    macs += config.attentionMacs() + 2L * attended * config.queryDim();
  }

  /** The feed-forward sublayer of a layer ran. */
  void fed(int layer) {
    macs += config.feedForwardMacs(layer);
  }

  /** What a layer did for a slot, once per slot and layer. */
  void cell(int layer, boolean producing, byte cells) {
    if ((cells & Cells.LAYER) == Cells.SKIP) {
      if (producing) {
        skipped++;
      } else {
        skippedPrompt++;
      }
      return;
    }
    work++;
    executions[layer]++;
    if (producing) {
      executed++;
    } else {
      executedPrompt++;
    }
    if (!Cells.attends(cells)) {
      attentionSkipped++;
    }
    if (!Cells.feeds(cells)) {
      feedForwardSkipped++;
    }
    if (Cells.repeats(cells)) {
      executions[layer]++;
    }
  }

  /** A layer ran for a prompt token of which it is not yet known whether it stays. */
  void read(int layer, byte cells) {
    if ((cells & Cells.LAYER) != Cells.SKIP) {
      work++;
      executions[layer]++;
    }
  }

  /** A prompt token does not stay; so many of its cells ran. */
  void dropped(int ran) {
    executedPrompt += ran;
    skippedPrompt += config.numLayers() - ran;
  }

  /** A producing cell above an exit. */
  void leftBelow(boolean producing) {
    if (producing) {
      exited++;
    } else {
      skippedPrompt++;
    }
  }

  /** The attention that one token pays to {@code length} stored ones was measured. */
  void massed(int length) {
    macs += (long) length * config.queryDim();
  }

  void projected() {
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

  /** A layer ran for a slot that is a draft, or is verified and not yet accepted. */
  void tried(byte cells) {
    if ((cells & Cells.LAYER) != Cells.SKIP) {
      work++;
    }
  }

  /** A verified slot is a slot of the row; its operations are already counted. */
  void verified(int position) {
    slot(position);
    executed += config.numLayers();
    for (int layer = 0; layer < executions.length; layer++) {
      executions[layer]++;
    }
    exitHistogram[config.numLayers()]++;
    macsFull += config.headMacs();
  }

  /** Tokens that were drafted in a round, and how many of them became generated tokens. */
  void drafted(int tokens, int acceptedTokens) {
    drafted += tokens;
    accepted += acceptedTokens;
  }

  void slot(int position) {
    macsFull += config.denseMacs(position);
  }

  /** A slot was computed for another row. */
  void cached(int position) {
    macsCached += config.denseMacs(position);
  }

  /** Adds the work of a branch of this row. */
  void join(ComputeCounter branch) {
    for (int layer = 0; layer < executions.length; layer++) {
      executions[layer] += branch.executions[layer];
    }
    for (int layer = 0; layer < exitHistogram.length; layer++) {
      exitHistogram[layer] += branch.exitHistogram[layer];
    }
    executed += branch.executed;
    skipped += branch.skipped;
    exited += branch.exited;
    executedPrompt += branch.executedPrompt;
    skippedPrompt += branch.skippedPrompt;
    attentionSkipped += branch.attentionSkipped;
    feedForwardSkipped += branch.feedForwardSkipped;
    macs += branch.macs;
    macsFull += branch.macsFull;
    work += branch.work;
    drafted += branch.drafted;
    accepted += branch.accepted;
  }

  /** (slot, layer) cells that ran so far. */
  public long cellsExecuted() {
    return work;
  }

  /**
   * The counts so far as an immutable value.
   *
   * @param kvBytes bytes of keys and values held
   * @param kvBytesFull the same if every layer kept every slot
   * @param waiting producing cells that wait for a later token to run them
   */
  public ComputeStats capture(String depthPolicy, long kvBytes, long kvBytesFull, long waiting) {
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
        exited + waiting,
        executedPrompt,
        skippedPrompt,
        attentionSkipped,
        feedForwardSkipped,
        early,
        histogram,
        perLayer,
        kvBytes,
        kvBytesFull,
        2.0 * macs,
        2.0 * (macsFull + macsCached),
        drafted,
        accepted);
  }
}
