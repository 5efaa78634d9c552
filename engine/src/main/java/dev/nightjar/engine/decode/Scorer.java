package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.LogitsConsumer;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.KvPages;
import dev.nightjar.engine.model.KvPool;
import dev.nightjar.engine.model.LayerTrace;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;

/**
 * Teacher-forced scoring: the logits of every position of a given token sequence, without sampling.
 */
public final class Scorer {
  private static final int CHUNK = 64;

  private Scorer() {}

  /** Runs the tokens through the model in one step and shows its residuals to {@code trace}. */
  public static void trace(LlamaModel model, Kernels kernels, int[] tokens, LayerTrace trace) {
    KvPages pages = new KvPages(model.config());
    RowContext row = new RowContext(0L, tokens.length, 1);
    SequenceState state = new SequenceState(model.config(), pages, model.policy(), row, false);
    Activations activations = new Activations(model.config(), kernels);
    activations.trace(trace);
    Step step = new Step();
    for (int position = 0; position < tokens.length; position++) {
      step.add(state, tokens[position], position, true, position == tokens.length - 1);
    }
    model.forward(step, activations);
  }

  /**
   * Runs the tokens through the model; every slot counts as a prompt token that produces logits.
   *
   * @param pool where keys and values are kept meanwhile
   */
  public static void score(
      LlamaModel model, Kernels kernels, KvPool pool, int[] tokens, LogitsConsumer consumer) {
    KvPages pages = new KvPages(pool);
    RowContext row = new RowContext(0L, tokens.length, 1);
    SequenceState state = new SequenceState(model.config(), pages, model.policy(), row, false);
    try {
      score(model, kernels, state, tokens, consumer);
    } finally {
      state.release();
      pages.close();
    }
  }

  private static void score(
      LlamaModel model,
      Kernels kernels,
      SequenceState state,
      int[] tokens,
      LogitsConsumer consumer) {
    int vocabSize = model.config().vocabSize();
    int chunk = model.policy().wholePrompt() ? tokens.length : CHUNK;
    Activations activations = new Activations(model.config(), kernels);
    Step step = new Step();
    for (int from = 0; from < tokens.length; from += chunk) {
      int to = Math.min(tokens.length, from + chunk);
      step.clear();
      for (int position = from; position < to; position++) {
        step.add(state, tokens[position], position, true, true);
      }
      model.forward(step, activations);
      for (int position = from; position < to; position++) {
        consumer.accept(position, activations.logits(), (position - from) * vocabSize);
      }
    }
  }
}
