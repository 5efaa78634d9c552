package dev.nightjar.engine.model;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.RowTrace;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import java.util.function.IntPredicate;

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

  /** Whether the row is rotated as rows beyond the original context are. */
  final boolean longRow;

  private final ModelConfig config;
  private final SlotLayers trace;
  private int slots;
  private int cachedSlots;
  private boolean stopped;
  private IntPredicate allowed;
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
    this.cache = new KvCache(layers, pages, config.blocks().hasWindows());
    this.counter = new ComputeCounter(config);
    this.row = row;
    this.deferred = new DeferredSlots(config.hiddenSize());
    this.trace = traced ? new SlotLayers(config.numLayers()) : null;
    this.promptTokens = row.promptTokens();
    this.longRow = config.rope().isLong((long) promptTokens + row.maxTokens());
    this.filtering = policy.filter() != null && policy.filter().keeps(promptTokens) < promptTokens;
  }

  private SequenceState(SequenceState origin) {
    this.config = origin.config;
    this.cache = origin.cache.fork();
    this.counter = new ComputeCounter(config);
    this.row = origin.row.copy();
    this.deferred = origin.deferred.copy();
    this.trace = origin.trace == null ? null : origin.trace.copy();
    this.promptTokens = origin.promptTokens;
    this.longRow = origin.longRow;
    this.filtering = origin.filtering;
    this.kept = origin.kept;
    this.stopped = origin.stopped;
    this.allowed = origin.allowed;
    this.slots = origin.slots;
    this.cachedSlots = origin.slots;
    for (int slot = 0; slot < slots; slot++) {
      counter.cached(slot);
    }
  }

  /**
   * A branch: a sequence of the same row that has computed what this one has, and goes on from here
   * on its own, bit for bit as this one would. Full pages of keys and values are shared; where a
   * layer's last page is partly filled, the branch copies it when it appends. The branch has done
   * no work yet: the slots so far are {@link #cachedSlots()} of it, and {@code flopsFull} is what
   * the dense model would compute for it from its first token on.
   *
   * <p>Not while a round of drafts is open. Both are released on their own, in any order, on the
   * thread of their decoder.
   */
  public SequenceState fork() {
    return new SequenceState(this);
  }

  /**
   * Counts the work of a branch, from its {@link #fork} on, as work of this row; {@code flopsFull}
   * grows by the branch's own slots only. The bytes of keys and values stay those of this sequence.
   */
  public void join(SequenceState branch) {
    counter.join(branch.counter);
  }

  /**
   * Whether rows that begin with the same tokens compute the same: not where the length of a row
   * decides how it is rotated.
   */
  public boolean sharesPrefixes() {
    return !longRow;
  }

  /** Notes what {@link #prefix} needs, for the whole blocks of the prompt. */
  public void keepPrefixes() {
    cache.markBlocks(promptTokens / Kernels.PAGE);
  }

  /**
   * The next block of {@link Kernels#PAGE} prompt tokens for other rows to go on from; its tokens
   * are computed, and {@link #keepPrefixes()} was called before them.
   *
   * @param parent the block before, which this sequence made or adopted; null for the first one
   */
  public KvPrefix prefix(KvPrefix parent) {
    return cache.prefix(parent);
  }

  /**
   * Goes on from a block of prompt tokens that another row computed, instead of computing it. Its
   * tokens are the next ones of this row, and what was computed so far equals the block's parent.
   */
  public void adopt(KvPrefix block) {
    cache.adopt(block);
    while (slots < block.tokens()) {
      counter.cached(slots++);
      cachedSlots++;
      if (trace != null) {
        trace.add();
      }
    }
  }

  /** Slots that were computed for another sequence and are shared by this one. */
  public int cachedSlots() {
    return cachedSlots;
  }

  void enter(int position) {
    if (kept != null && position < kept.length) {
      return;
    }
    slots++;
    counter.slot(origin(position));
    if (trace != null) {
      trace.add();
    }
  }

  void traceRun(int position, int layer) {
    if (trace != null) {
      trace.set(origin(position), layer);
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
        trace.add();
        for (int layer = 0; layer < config.numLayers(); layer++) {
          trace.set(origin(position), layer);
        }
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

  /**
   * Restricts the token that is generated next: the row does not stop before it, and does not leave
   * with a short list without any of these.
   *
   * @param tokens null for any token
   */
  public void allow(IntPredicate tokens) {
    allowed = tokens;
  }

  /** The tokens that may be generated next, or null for any. */
  IntPredicate allowed() {
    return allowed;
  }

  /** Counts a judgement of what was read of a prompt. */
  public void judged(long macs) {
    counter.spent(macs);
  }

  /**
   * Ends a row whose prompt was read in pieces: what is left of it does not run.
   *
   * @param depth layers that the tokens read have run
   */
  public void endReading(int depth) {
    int read = deferred.size();
    deferred.clear();
    for (int position = 0; position < promptTokens; position++) {
      if (position >= read) {
        enter(position);
      }
      int left = config.numLayers() - (position < read ? depth : 0);
      for (int layer = 0; layer < left; layer++) {
        counter.leftBelow(position == promptTokens - 1);
      }
    }
    counter.producedByProbe(depth);
  }

  void stop() {
    stopped = true;
  }

  /** Whether the policy gave the row up. */
  public boolean stopped() {
    return stopped;
  }

  /**
   * Layers run by each slot so far; null unless traced.
   *
   * @param prompt the prompt's tokens, as they were given
   */
  public RowTrace trace(int[] prompt) {
    return trace == null
        ? null
        : new RowTrace(prompt, cachedSlots, trace.wordsPerSlot(), trace.toArray());
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
        depthPolicy,
        cache.byteSize(),
        (long) slots * config.numLayers() * cache.layout().entryBytes(),
        deferred.waiting(config.numLayers()));
  }

  /** Gives the sequence's memory back. */
  public void release() {
    cache.release();
  }
}
