package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowDecoder;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.engine.api.RowTrace;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.constraint.Constraints;
import dev.nightjar.engine.depth.Hashing;
import dev.nightjar.engine.depth.Reading;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.KvPages;
import dev.nightjar.engine.model.KvPool;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Set;

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
  private final Constraints constraints;
  private final Iterator<GenerationRequest> requests;
  private final Scheduler scheduler;
  private final KvPool pool;
  private final KvPages pages;
  private final Activations activations;
  private final Step step = new Step();
  private final Pass pass;
  private final List<Sequence> running = new ArrayList<>();
  private final ArrayDeque<Entry> window = new ArrayDeque<>();
  private final boolean traced;
  private final Speculation speculation;
  private final PrefixCache prefixes;
  private final StepPlan plan = new StepPlan();
  private final ArrayDeque<Sequence> ready = new ArrayDeque<>();
  private Task lastTask;
  private TaskTokens lastTaskTokens;
  private RowTrace lastTrace;
  private long rowNanos;
  private int waiting;
  private volatile boolean cancelled;

  /** A row between its admission and its return. */
  private static final class Entry {
    private GenerationResult result;
    private RowTrace trace;
    private Sequence sequence;
  }

  /** A decoder with memory of its own, and nothing kept from row to row. */
  public BatchDecoder(
      LlamaModel model,
      PromptEncoder encoder,
      Kernels kernels,
      EngineConfig options,
      Iterator<GenerationRequest> requests,
      boolean traced) {
    this(
        model,
        encoder,
        kernels,
        options,
        SharedMemory.alone(model, options),
        new Constraints(encoder.tokenizer(), model.config().eosTokenIds()),
        requests,
        traced);
  }

  /**
   * A decoder over a stream of rows.
   *
   * @param memory what it shares with the engine's other decoders
   * @param constraints response formats, which it shares as well
   * @param traced whether to keep the layers of each slot, see {@link #lastTrace()}
   */
  public BatchDecoder(
      LlamaModel model,
      PromptEncoder encoder,
      Kernels kernels,
      EngineConfig options,
      SharedMemory memory,
      Constraints constraints,
      Iterator<GenerationRequest> requests,
      boolean traced) {
    this.model = model;
    this.config = model.config();
    this.encoder = encoder;
    this.kernels = kernels;
    this.options = options;
    this.constraints = constraints;
    this.requests = requests;
    this.traced = traced;
    this.scheduler = new Scheduler(options, model.policy().wholePrompt());
    this.pool = memory.pool();
    this.pages = new KvPages(pool);
    this.prefixes = memory.prefixes();
    this.activations = new Activations(config, kernels);
    this.pass = new Pass(model, kernels, step, activations);
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
  public void limitRows(Duration limit) {
    rowNanos = limit.toNanos();
  }

  @Override
  public int runningRows() {
    return running.size();
  }

  @Override
  public RowTrace lastTrace() {
    return lastTrace;
  }

  @Override
  public boolean hasNext() {
    while (!cancelled) {
      admit();
      if (!window.isEmpty() && window.peekFirst().result != null) {
        return true;
      }
      if (running.isEmpty()) {
        pages.close();
        return false;
      }
      runStep();
      if (rowNanos > 0) {
        giveUpOverdue(System.nanoTime());
      }
    }
    release();
    return false;
  }

  @Override
  public void close() {
    cancelled = true;
    release();
  }

  @Override
  public GenerationResult next() {
    if (!hasNext()) {
      throw new NoSuchElementException("no more rows");
    }
    Entry entry = window.pollFirst();
    lastTrace = entry.trace;
    return entry.result;
  }

  private void release() {
    for (Sequence sequence : running) {
      sequence.release();
      pool.cancel(sequence.reservedKvBytes);
    }
    running.clear();
    window.clear();
    ready.clear();
    noteWaiting(0);
    pages.close();
  }

  private void admit() {
    while (running.size() < options.maxBatch()) {
      pull();
      Sequence next = nextRow();
      boolean starts = next != null && pool.reserve(next.reservedKvBytes, running.isEmpty());
      noteWaiting(starts ? 0 : ready.size());
      if (!starts) {
        return;
      }
      ready.remove(next);
      running.add(next);
      if (prefixes != null) {
        next.share(prefixes);
      }
    }
  }

  /** Tells the pool how many rows of this decoder wait for room. */
  private void noteWaiting(int rows) {
    if (rows != waiting) {
      pool.countWaiting(rows - waiting);
      waiting = rows;
    }
  }

  /** Reads ahead as far as the choice of the next row needs. */
  private void pull() {
    boolean one = options.admission() == EngineConfig.Admission.IN_ORDER;
    while (window.size() < window() && !(one && !ready.isEmpty()) && requests.hasNext()) {
      Entry entry = new Entry();
      window.addLast(entry);
      entry.sequence = accept(requests.next(), entry);
      if (entry.sequence != null) {
        ready.addLast(entry.sequence);
      }
    }
  }

  /** The row that starts next, or null. */
  private Sequence nextRow() {
    Sequence next = ready.peekFirst();
    if (options.admission() == EngineConfig.Admission.LONGEST_FIRST) {
      for (Sequence sequence : ready) {
        next = sequence.mostSlots() > next.mostSlots() ? sequence : next;
      }
    }
    return next;
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
      TaskTokens task = tokensOf(request.task());
      int[] prompt = fit(task.behind(encoder.encode(request.prompt())), task);
      long kvBytes = kvBytes(prompt, task);
      RowContext row = new RowContext(Hashing.of(request.key()), prompt.length, task.atMost());
      SequenceState state = new SequenceState(config, pages, model.policy(), row, traced);
      return sequence(request, task, prompt, state, kvBytes);
    } catch (EngineException e) {
      entry.result = GenerationResult.failed(request.key(), RowError.of(e));
      return null;
    }
  }

  private TaskTokens tokensOf(Task task) {
    if (!task.equals(lastTask)) {
      lastTaskTokens = TaskTokens.of(task, encoder.tokenizer(), constraints);
      lastTask = task;
    }
    return lastTaskTokens;
  }

  /** Most bytes of keys and values that a row holds at once. */
  private long kvBytes(int[] prompt, TaskTokens task) {
    int positions = (int) Math.min(config.contextLength(), (long) prompt.length + task.atMost());
    long bytes = pool.worstCaseBytes(positions);
    if (task.labels() != null) {
      // A fork holds its own tokens, and a copy of the page that the prompt's last ones are in.
      int own = task.labels().depth() + Kernels.PAGE;
      bytes += Choosing.maxForks(task.labels(), limits()) * pool.worstCaseBytes(own);
    }
    bytes *= model.policy().repeats() ? 2 : 1;
    if (pool.maxBytes() > 0 && bytes > pool.maxBytes()) {
      throw new EngineException(
          ErrorCode.KV_LIMIT,
          "the row needs up to "
              + bytes
              + " bytes of keys and values for "
              + positions
              + " positions, the limit is "
              + pool.maxBytes()
              + "; raise max-kv-bytes or lower max-tokens");
    }
    return bytes;
  }

  private Sequence sequence(
      GenerationRequest request, TaskTokens task, int[] prompt, SequenceState state, long kvBytes) {
    long now = System.nanoTime();
    return switch (request.task()) {
      case Task.Generate(var sampling) -> {
        Generation row =
            new Generation(
                request,
                sampling,
                prompt,
                state,
                kvBytes,
                config,
                encoder.tokenizer(),
                kernels,
                now);
        if (task.constraint() != null) {
          row.constrain(task.constraint());
        }
        if (speculation != null) {
          speculation.admit(row);
        }
        yield row;
      }
      case Task.Choose choose -> choosing(request, task, prompt, state, kvBytes, now);
      case Task.Score score -> choosing(request, task, prompt, state, kvBytes, now);
      case Task.Embed embed ->
          new Embedding(request, embed, prompt, state, kvBytes, config.hiddenSize(), now);
    };
  }

  /** An even part of the step's tokens. */
  private Choosing.Limits limits() {
    int slots = Math.max(1, options.stepTokens() / options.maxBatch());
    boolean inRuns = model.policy().exit() == null && model.policy().feedForward() == null;
    return new Choosing.Limits(slots, inRuns);
  }

  private Sequence choosing(
      GenerationRequest request,
      TaskTokens task,
      int[] prompt,
      SequenceState state,
      long kvBytes,
      long now) {
    Reading reading = model.policy().reading();
    Reader reader = null;
    if (reading != null
        && request.task() instanceof Task.Choose choose
        && Set.copyOf(choose.labels()).equals(Set.copyOf(reading.labels()))) {
      reader = new Reader(reading, prompt, config.numLayers(), encoder.tokenizer());
    }
    return new Choosing(request, task.labels(), limits(), reader, prompt, state, kvBytes, now);
  }

  /**
   * The tokens of a row's prompt with those that all answers of its task begin with behind them,
   * however many there are.
   *
   * @throws EngineException when the prompt or the task cannot be encoded
   */
  public static int[] promptTokens(
      PromptEncoder encoder, Constraints constraints, GenerationRequest request) {
    TaskTokens task = TaskTokens.of(request.task(), encoder.tokenizer(), constraints);
    return task.behind(encoder.encode(request.prompt()));
  }

  /** The prompt, cut at its beginning if it does not fit and may be cut. */
  private int[] fit(int[] prompt, TaskTokens task) {
    int context = config.contextLength();
    if (prompt.length == 0) {
      throw new EngineException(
          ErrorCode.INVALID_PROMPT,
          "the prompt has no tokens; expected at least one character of text");
    }
    if (prompt.length <= context - task.atLeast()) {
      return prompt;
    }
    int keep = context - Math.max(task.atLeast(), Math.min(task.atMost(), context / 2));
    if (options.overlong() == EngineConfig.Overlong.ERROR || keep <= task.prefix().length) {
      throw new EngineException(
          ErrorCode.CONTEXT_OVERFLOW,
          "the prompt has "
              + prompt.length
              + " tokens, the context window is "
              + context
              + " and at least "
              + (task.atLeast() == 1 ? "one token" : task.atLeast() + " tokens")
              + " must fit behind it; shorten the prompt or set overlong to truncate");
    }
    int[] cut = Arrays.copyOfRange(prompt, prompt.length - keep, prompt.length);
    if (prompt[0] == encoder.tokenizer().bosToAdd()) {
      cut[0] = prompt[0];
    }
    return cut;
  }

  private void runStep() {
    long start = System.nanoTime();
    if (speculation != null) {
      speculation.draft(running);
    }
    plan();
    model.forward(step, activations);
    int row = 0;
    for (int i = 0; i < plan.size(); i++) {
      Sequence sequence = plan.sequence(i);
      if (sequence instanceof Generation generation && generation.drafted()) {
        row += speculation.accept(generation, row);
      } else {
        row += sequence.take(pass, plan.slots(i), plan.firstSlot(i), row);
      }
      if (prefixes != null) {
        sequence.publish(prefixes);
      }
    }
    plan.book(start, System.nanoTime());
    retire();
  }

  private void plan() {
    for (int i = 0; prefixes != null && i < running.size(); i++) {
      running.get(i).adopt(prefixes);
    }
    plan.clear();
    scheduler.plan(running, plan);
    step.clear();
    for (int i = 0; i < plan.size(); i++) {
      plan.start(i, step.size());
      plan.sequence(i).fill(step, plan.slots(i));
    }
  }

  private void giveUpOverdue(long nowNanos) {
    for (Entry entry : window) {
      Sequence sequence = entry.sequence;
      if (sequence != null && sequence.isOverdue(nowNanos, rowNanos)) {
        entry.result =
            GenerationResult.failed(
                sequence.request.key(),
                new RowError(
                    ErrorCode.TIME_LIMIT,
                    "the row ran longer than "
                        + Duration.ofNanos(rowNanos).toMillis() / 1000.0
                        + " seconds; raise the limit or lower max-tokens"));
        entry.sequence = null;
        running.remove(sequence);
        sequence.release();
        pool.cancel(sequence.reservedKvBytes);
      }
    }
  }

  private void retire() {
    boolean any = false;
    for (int i = 0; i < running.size(); i++) {
      any |= running.get(i).finished();
    }
    if (!any) {
      return;
    }
    for (Entry entry : window) {
      Sequence sequence = entry.sequence;
      if (sequence != null && sequence.finished()) {
        entry.result = sequence.result(model.policy().spec());
        entry.trace = sequence.state.trace(sequence.given());
        entry.sequence = null;
        sequence.release();
        pool.cancel(sequence.reservedKvBytes);
      }
    }
    running.removeIf(Sequence::finished);
  }
}
