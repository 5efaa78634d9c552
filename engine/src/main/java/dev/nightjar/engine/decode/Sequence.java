package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Timing;
import dev.nightjar.engine.api.TokenLogprob;
import dev.nightjar.engine.api.Usage;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import dev.nightjar.engine.tokenizer.TextAssembler;
import dev.nightjar.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/**
 * One row in flight: its tokens, how far they are computed, and when it ends. Confined to its
 * decoder's thread.
 */
final class Sequence {
  final GenerationRequest request;
  final SequenceState state;
  final long reservedKvBytes;

  /** The row's drafts; null if it decodes without. */
  Draft draft;

  private final int promptTokens;
  private final int[] given;
  private int[] prompt;
  private final int contextLength;
  private final List<Integer> eosTokenIds;
  private final Tokenizer tokenizer;
  private final Sampler sampler;
  private final StopStrings stopStrings;
  private final TextAssembler text;
  private final List<Integer> generated = new ArrayList<>();
  private final List<TokenLogprob> logprobs = new ArrayList<>();
  private final long arrivedNanos;
  private double cumulativeLogprob;
  private int computed;
  private FinishReason finishReason;
  private String stopReason;
  private int textEnd = -1;
  private long startedNanos = -1;
  private long prefilledNanos = -1;
  private long endedNanos = -1;
  private long cpuNanos;
  private long cellsSeen;
  private long batchSum;
  private int steps;

  Sequence(
      GenerationRequest request,
      int[] prompt,
      SequenceState state,
      long reservedKvBytes,
      ModelConfig config,
      Tokenizer tokenizer,
      Kernels kernels,
      long nowNanos) {
    this.request = request;
    this.promptTokens = prompt.length;
    this.given = prompt;
    this.prompt = prompt;
    this.state = state;
    this.reservedKvBytes = reservedKvBytes;
    this.contextLength = config.contextLength();
    this.eosTokenIds = config.eosTokenIds();
    this.tokenizer = tokenizer;
    this.sampler = new Sampler(request.sampling(), request.key(), kernels);
    this.stopStrings = new StopStrings(request.sampling().stop());
    this.text = new TextAssembler(tokenizer);
    this.arrivedNanos = nowNanos;
    for (int token : prompt) {
      sampler.observe(token, config.vocabSize());
    }
  }

  /** The prompt the row came with, after any truncation. */
  int[] given() {
    return given;
  }

  /** Tokens that are known but not yet computed. */
  int pending() {
    return prompt.length + generated.size() - computed;
  }

  /** Whether prompt tokens are still to be computed. */
  boolean prefilling() {
    return computed < prompt.length;
  }

  /** The position of the next slot. */
  int position() {
    return computed;
  }

  int tokenAt(int position) {
    return position < prompt.length ? prompt[position] : generated.get(position - prompt.length);
  }

  boolean isPrompt(int position) {
    return position < prompt.length;
  }

  /** Whether the slot at this position produces a token: it is the last one known. */
  boolean produces(int position) {
    return position == prompt.length + generated.size() - 1 && !state.filtering();
  }

  boolean finished() {
    return finishReason != null;
  }

  /** Opens a round of drafts behind the last known token; returns whether there is one to run. */
  boolean beginDraft() {
    int known = prompt.length + generated.size();
    int room =
        Math.min(request.sampling().maxTokens() - generated.size(), contextLength - known) - 1;
    return draft.begin(state, tokenAt(computed), computed, room);
  }

  /** Whether the next step verifies drafts of this row. */
  boolean drafted() {
    return draft != null && draft.open();
  }

  /** Slots of the next step, once the prompt is computed. */
  int nextSlots() {
    return drafted() ? draft.drafted() + 1 : 1;
  }

  /** Adds the next {@code slots} slots to a step. */
  void fill(Step step, int slots) {
    if (drafted()) {
      step.verify(state, draft.tokens, slots, draft.first());
      return;
    }
    for (int position = computed; position < computed + slots; position++) {
      step.add(state, tokenAt(position), position, isPrompt(position), produces(position));
    }
  }

  /** Books a step in which {@code slots} of this sequence were computed. */
  void advance(int slots) {
    computed += slots;
    int[] kept = state.restart();
    if (kept != null) {
      int[] shortened = new int[kept.length];
      for (int i = 0; i < kept.length; i++) {
        shortened[i] = prompt[kept[i]];
      }
      prompt = shortened;
      computed = 0;
    }
  }

  /** Cells this sequence has run since the last call. */
  long newCells() {
    long cells = state.cellsExecuted();
    long delta = cells - cellsSeen;
    cellsSeen = cells;
    return delta;
  }

  void book(long stepStart, long stepEnd, long share, int batchSize) {
    if (startedNanos < 0) {
      startedNanos = stepStart;
    }
    if (prefilledNanos < 0 && !prefilling()) {
      prefilledNanos = stepEnd;
    }
    if (finished()) {
      endedNanos = stepEnd;
    }
    cpuNanos += share;
    batchSum += batchSize;
    steps++;
  }

  /** Takes the next token from the logits of the slot just computed. */
  void accept(float[] logits, int offset, int vocabSize, Kernels kernels) {
    SamplingParams params = request.sampling();
    int token = sampler.next(logits, offset, vocabSize);
    float logSum = kernels.logSumExp(logits, offset, vocabSize);
    cumulativeLogprob += logits[offset + token] - logSum;
    if (params.logprobs() >= 0) {
      logprobs.add(sampler.logprob(logits, offset, vocabSize, token, logSum, tokenizer));
    }
    sampler.observe(token, vocabSize);
    generated.add(token);
    if (eosTokenIds.contains(token)) {
      finishReason = FinishReason.STOP;
      return;
    }
    int added = text.add(token).length();
    StopStrings.Match match = stopStrings.find(text, added);
    if (match != null) {
      finishReason = FinishReason.STOP;
      stopReason = match.string();
      textEnd = match.index();
    } else if (generated.size() == params.maxTokens()
        || prompt.length + generated.size() == contextLength) {
      finishReason = FinishReason.LENGTH;
    }
  }

  /** Ends the row: its policy does not expect it to come right. */
  void giveUp() {
    if (!finished()) {
      finishReason = FinishReason.ABORT;
    }
  }

  GenerationResult result(String depthPolicy) {
    text.finish();
    String finished = text.text();
    Timing timing =
        new Timing(
            startedNanos - arrivedNanos,
            prefilledNanos - startedNanos,
            endedNanos - prefilledNanos,
            cpuNanos,
            steps == 0 ? 0 : (double) batchSum / steps);
    return new GenerationResult(
        request.key(),
        textEnd < 0 ? finished : finished.substring(0, textEnd),
        generated,
        finishReason,
        stopReason,
        null,
        new Usage(promptTokens, generated.size(), 0),
        cumulativeLogprob,
        logprobs,
        timing,
        state.stats(depthPolicy));
  }
}
