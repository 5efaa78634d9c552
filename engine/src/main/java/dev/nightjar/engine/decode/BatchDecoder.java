package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowDecoder;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.engine.depth.Hashing;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.KvPages;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;

/**
 * Continuous batching: keeps up to {@code maxBatch} rows in flight, admits the next one the moment
 * a place is free, and returns results in input order. Rows are pulled lazily and at most {@link
 * #window} rows are held, finished ones that wait for an earlier row included. A row that cannot
 * run yields a result with an error; it never stops the others.
 *
 * <p>Confined to one thread, except {@link #cancel()}.
 */
public final class BatchDecoder implements RowDecoder {
  private static final int WINDOW_BATCHES = 4;

  private final LlamaModel model;
  private final ModelConfig config;
  private final PromptEncoder encoder;
  private final Kernels kernels;
  private final EngineConfig options;
  private final Iterator<GenerationRequest> requests;
  private final Scheduler scheduler;
  private final KvPages pages;
  private final Activations activations;
  private final Step step = new Step();
  private final List<Sequence> running = new ArrayList<>();
  private final ArrayDeque<Entry> window = new ArrayDeque<>();
  private final boolean traced;
  private final Speculation speculation;
  private Sequence waiting;
  private long reservedKvBytes;
  private List<BitSet> lastTrace = List.of();
  private int[] lastPrompt = new int[0];
  private volatile boolean cancelled;

  /** A row between its admission and its return. */
  private static final class Entry {
    private GenerationResult result;
    private Sequence sequence;
  }

  /**
   * A decoder over a stream of rows.
   *
   * @param traced whether to keep the layers of each slot of the row finished last, see {@link
   *     #lastTrace()}
   */
  public BatchDecoder(
      LlamaModel model,
      PromptEncoder encoder,
      Kernels kernels,
      EngineConfig options,
      Iterator<GenerationRequest> requests,
      boolean traced) {
    this.model = model;
    this.config = model.config();
    this.encoder = encoder;
    this.kernels = kernels;
    this.options = options;
    this.requests = requests;
    this.traced = traced;
    this.scheduler = new Scheduler(options, model.policy().wholePrompt());
    this.pages = new KvPages(config);
    this.activations = new Activations(config, kernels);
    this.speculation =
        model.policy().drafting() == null ? null : new Speculation(model, kernels, activations);
  }

  @Override
  public int window() {
    return WINDOW_BATCHES * options.maxBatch();
  }

  @Override
  public void cancel() {
    cancelled = true;
  }

  @Override
  public int runningRows() {
    return running.size();
  }

  /** Layers run by each slot, by position, of the row that finished last; empty unless traced. */
  public List<BitSet> lastTrace() {
    return lastTrace;
  }

  /** The prompt's token ids, as they ran, of the row that finished last. */
  public int[] lastPrompt() {
    return lastPrompt.clone();
  }

  @Override
  public boolean hasNext() {
    while (!cancelled) {
      admit();
      if (!window.isEmpty() && window.peekFirst().result != null) {
        return true;
      }
      if (running.isEmpty()) {
        return false;
      }
      runStep();
    }
    release();
    return false;
  }

  @Override
  public GenerationResult next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more rows");
    }
    return window.pollFirst().result;
  }

  private void release() {
    for (Sequence sequence : running) {
      sequence.state.release();
    }
    running.clear();
    window.clear();
    waiting = null;
    reservedKvBytes = 0;
  }

  private void admit() {
    while (running.size() < options.maxBatch()) {
      if (waiting == null) {
        if (window.size() >= window() || !requests.hasNext()) {
          return;
        }
        Entry entry = new Entry();
        window.addLast(entry);
        waiting = accept(requests.next(), entry);
        entry.sequence = waiting;
        if (waiting == null) {
          continue;
        }
      }
      if (options.maxKvBytes() > 0
          && reservedKvBytes + waiting.reservedKvBytes > options.maxKvBytes()) {
        return;
      }
      reservedKvBytes += waiting.reservedKvBytes;
      running.add(waiting);
      waiting = null;
    }
  }

  /** Makes a row ready to run, or completes its entry with an error and returns null. */
  private Sequence accept(GenerationRequest request, Entry entry) {
    switch (request.prompt()) {
      case Prompt.Missing() -> {
        entry.result = GenerationResult.missing(request.key());
        return null;
      }
      case Prompt.Invalid(RowError error) -> {
        entry.result = GenerationResult.failed(request.key(), error);
        return null;
      }
      case Prompt.Text text -> {}
      case Prompt.Messages messages -> {}
      case Prompt.TokenIds ids -> {}
    }
    try {
      int[] prompt = fit(encoder.encode(request.prompt()), request);
      int positions =
          (int)
              Math.min(
                  config.contextLength(), (long) prompt.length + request.sampling().maxTokens());
      long kvBytes = pages.worstCaseBytes(positions) * (model.policy().repeats() ? 2 : 1);
      if (options.maxKvBytes() > 0 && kvBytes > options.maxKvBytes()) {
        throw new EngineException(
            ErrorCode.KV_LIMIT,
            "the row needs up to "
                + kvBytes
                + " bytes of keys and values for "
                + positions
                + " positions, the limit is "
                + options.maxKvBytes()
                + "; raise max-kv-bytes or lower max-tokens");
      }
      RowContext row =
          new RowContext(Hashing.of(request.key()), prompt.length, request.sampling().maxTokens());
      SequenceState state = new SequenceState(config, pages, model.policy(), row, traced);
      Sequence sequence =
          new Sequence(
              request,
              prompt,
              state,
              kvBytes,
              config,
              encoder.tokenizer(),
              kernels,
              System.nanoTime());
      if (speculation != null) {
        speculation.admit(sequence);
      }
      return sequence;
    } catch (EngineException e) {
      entry.result = GenerationResult.failed(request.key(), RowError.of(e));
      return null;
    }
  }

  private int[] fit(int[] prompt, GenerationRequest request) {
    int context = config.contextLength();
    if (prompt.length == 0) {
      throw new EngineException(
          ErrorCode.INVALID_PROMPT,
          "the prompt has no tokens; expected at least one character of text");
    }
    if (prompt.length < context) {
      return prompt;
    }
    switch (options.overlong()) {
      case ERROR ->
          throw new EngineException(
              ErrorCode.CONTEXT_OVERFLOW,
              "the prompt has "
                  + prompt.length
                  + " tokens, the context window is "
                  + context
                  + " and at least one token must fit behind it; shorten the prompt or set overlong"
                  + " to truncate");
      case TRUNCATE -> {
        int keep = context - Math.min(request.sampling().maxTokens(), context / 2);
        int[] cut = new int[keep];
        System.arraycopy(prompt, prompt.length - keep, cut, 0, keep);
        if (prompt[0] == encoder.tokenizer().bosToAdd()) {
          cut[0] = prompt[0];
        }
        return cut;
      }
    }
    throw new IllegalStateException("no rule for " + options.overlong());
  }

  private void runStep() {
    long start = System.nanoTime();
    if (speculation != null) {
      speculation.draft(running);
    }
    StepPlan plan = scheduler.plan(running);
    step.clear();
    for (int i = 0; i < plan.sequences().size(); i++) {
      plan.sequences().get(i).fill(step, plan.slots().get(i));
    }
    model.forward(step, activations);
    int row = 0;
    for (int i = 0; i < plan.sequences().size(); i++) {
      Sequence sequence = plan.sequences().get(i);
      if (sequence.drafted()) {
        row += speculation.accept(sequence, row);
        continue;
      }
      boolean produced = sequence.produces(sequence.position() + plan.slots().get(i) - 1);
      sequence.advance(plan.slots().get(i));
      if (produced) {
        if (sequence.state.stopped()) {
          sequence.giveUp();
        } else {
          sequence.accept(
              activations.logits(), row * config.vocabSize(), config.vocabSize(), kernels);
        }
        row++;
      }
    }
    book(plan, start, System.nanoTime());
    retire();
  }

  /** Splits the step's time over its sequences by the cells they ran. */
  private void book(StepPlan plan, long start, long end) {
    long[] cells = new long[plan.sequences().size()];
    long total = 0;
    for (int i = 0; i < cells.length; i++) {
      cells[i] = plan.sequences().get(i).newCells();
      total += cells[i];
    }
    for (int i = 0; i < cells.length; i++) {
      long share = total == 0 ? 0 : Math.round((double) (end - start) * cells[i] / total);
      plan.sequences().get(i).book(start, end, share, cells.length);
    }
  }

  private void retire() {
    boolean any = false;
    for (Entry entry : window) {
      Sequence sequence = entry.sequence;
      if (sequence != null && sequence.finished()) {
        entry.result = sequence.result(model.policy().spec());
        lastTrace = sequence.state.trace();
        lastPrompt = sequence.given();
        entry.sequence = null;
        sequence.state.release();
        reservedKvBytes -= sequence.reservedKvBytes;
        any = true;
      }
    }
    if (any) {
      running.removeIf(Sequence::finished);
    }
  }
}
