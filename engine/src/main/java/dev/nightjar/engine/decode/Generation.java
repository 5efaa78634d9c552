package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.TokenLogprob;
import dev.nightjar.engine.api.Usage;
import dev.nightjar.engine.constraint.ConstrainedText;
import dev.nightjar.engine.constraint.Constraint;
import dev.nightjar.engine.constraint.TokenSet;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import dev.nightjar.engine.tokenizer.TextAssembler;
import dev.nightjar.engine.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A row that writes text: its tokens and when it ends. Confined to its decoder's thread. */
final class Generation extends Sequence {
  /** Most tokens for which there is room from the start. */
  private static final int ROOM = 256;

  /** The row's drafts; null if it decodes without. */
  Draft draft;

  private final SamplingParams params;
  private final int contextLength;
  private final int[] eosTokenIds;
  private final Tokenizer tokenizer;
  private final Sampler sampler;
  private final StopStrings stopStrings;

  /** The text so far where stop strings are looked for, otherwise empty until the row's end. */
  private final TextAssembler text;

  private int[] generated;
  private int numGenerated;
  private final List<TokenLogprob> logprobs = new ArrayList<>();
  private double cumulativeLogprob;
  private FinishReason finishReason;
  private String stopReason;
  private int textEnd = -1;

  /** The text as its format sees it, and the tokens that may come next; null if it is free. */
  private ConstrainedText constrained;

  private TokenSet allowed;

  Generation(
      GenerationRequest request,
      SamplingParams params,
      int[] prompt,
      SequenceState state,
      long reservedKvBytes,
      ModelConfig config,
      Tokenizer tokenizer,
      Kernels kernels,
      long nowNanos) {
    super(request, prompt, state, reservedKvBytes, nowNanos);
    this.params = params;
    this.contextLength = config.contextLength();
    this.eosTokenIds = config.eosTokenIds().stream().mapToInt(Integer::intValue).toArray();
    this.tokenizer = tokenizer;
    this.sampler = new Sampler(params, request.key(), kernels);
    this.stopStrings = new StopStrings(params.stop());
    this.generated = new int[Math.min(params.maxTokens(), ROOM)];
    this.text = new TextAssembler(tokenizer);
    for (int token : prompt) {
      sampler.observe(token, config.vocabSize());
    }
  }

  /** Restricts the row's text, of which there is nothing yet and for which there is room. */
  void constrain(Constraint constraint) {
    constrained = constraint.newText();
    allow(constrained.next(room()));
  }

  private void allow(TokenSet tokens) {
    allowed = tokens;
    state.allow(tokens);
  }

  /** How many more tokens there may be. */
  private int room() {
    int left = contextLength - promptLength() - numGenerated;
    return Math.min(params.maxTokens() - numGenerated, left);
  }

  /** Whether the row takes the likeliest token. */
  boolean greedy() {
    return params.isGreedy();
  }

  int tokenAt(int position) {
    int length = promptLength();
    return position < length ? promptToken(position) : generated[position - length];
  }

  @Override
  boolean finished() {
    return finishReason != null;
  }

  @Override
  boolean producesFromPrompt() {
    return true;
  }

  /** Opens a round of drafts behind the last known token; returns whether there is one to run. */
  boolean beginDraft() {
    return draft.begin(state, tokenAt(position()), position(), room() - 1);
  }

  /** Whether the next step verifies drafts of this row. */
  boolean drafted() {
    return draft != null && draft.open();
  }

  @Override
  int nextSlots() {
    return drafted() ? draft.drafted() + 1 : 1;
  }

  @Override
  void fillNext(Step step, int slots) {
    if (drafted()) {
      step.verify(state, draft.tokens, slots, draft.first());
    } else {
      step.add(state, tokenAt(position()), position(), false, true);
    }
  }

  @Override
  void acceptPrompt(Pass pass, int row) {
    accept(pass.logits(), pass.offset(row), pass.vocabSize(), pass.kernels());
  }

  @Override
  int acceptNext(Pass pass, int row, int slots) {
    advance(slots);
    if (state.stopped()) {
      giveUp();
    } else {
      accept(pass.logits(), pass.offset(row), pass.vocabSize(), pass.kernels());
    }
    return 1;
  }

  /** Takes the next token from the logits of the slot just computed. */
  void accept(float[] logits, int offset, int vocabSize, Kernels kernels) {
    int token =
        allowed == null
            ? sampler.next(logits, offset, vocabSize)
            : sampler.next(logits, offset, vocabSize, allowed);
    float logSum = kernels.logSumExp(logits, offset, vocabSize);
    cumulativeLogprob += logits[offset + token] - logSum;
    if (params.logprobs() >= 0) {
      logprobs.add(sampler.logprob(logits, offset, vocabSize, token, logSum, tokenizer));
    }
    sampler.observe(token, vocabSize);
    keep(token);
    if (endsText(token)) {
      finishReason = FinishReason.STOP;
      return;
    }
    StopStrings.Match match =
        stopStrings.isEmpty() ? null : stopStrings.find(text, text.append(token));
    if (constrained != null) {
      constrained.add(token);
    }
    if (match != null && mayEnd(match.index())) {
      finishReason = FinishReason.STOP;
      stopReason = match.string();
      textEnd = match.index();
    } else if (constrained != null && constrained.complete()) {
      finishReason = FinishReason.STOP;
    } else if (room() == 0) {
      finishReason = FinishReason.LENGTH;
    } else if (constrained != null) {
      allow(constrained.next(room()));
      finishReason = allowed == null ? FinishReason.LENGTH : null;
    }
  }

  private void keep(int token) {
    if (numGenerated == generated.length) {
      generated = Arrays.copyOf(generated, 2 * numGenerated);
    }
    generated[numGenerated++] = token;
  }

  private boolean endsText(int token) {
    boolean ends = false;
    for (int eos : eosTokenIds) {
      ends |= token == eos;
    }
    return ends;
  }

  private boolean mayEnd(int index) {
    return constrained == null || constrained.fits(text.text().substring(0, index));
  }

  @Override
  void giveUp() {
    if (!finished()) {
      finishReason = FinishReason.ABORT;
    }
  }

  @Override
  GenerationResult result(String depthPolicy) {
    for (int i = 0; stopStrings.isEmpty() && i < numGenerated; i++) {
      if (!endsText(generated[i])) {
        text.append(generated[i]);
      }
    }
    text.finish();
    String finished = text.text();
    return new GenerationResult(
        request.key(),
        textEnd < 0 ? finished : finished.substring(0, textEnd),
        Arrays.stream(generated, 0, numGenerated).boxed().toList(),
        finishReason,
        stopReason,
        null,
        new Usage(promptTokens, numGenerated, state.cachedSlots()),
        cumulativeLogprob,
        logprobs,
        timing(),
        state.stats(depthPolicy),
        null);
  }
}
