package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import java.util.Arrays;

/**
 * A given token sequence through the tiny model, its prompt in chunks.
 *
 * @param logits of the last prompt slot and of every later one
 * @param state the sequence they came from, traced
 */
public record TinyRun(float[][] logits, SequenceState state) {

  /** Runs {@code tokens}, of which the first {@code prompt} are the prompt. */
  public static TinyRun of(
      ModelConfig config,
      Kernels kernels,
      DepthPolicy policy,
      int[] tokens,
      int prompt,
      int chunk) {
    int total = tokens.length;
    LlamaModel model = TinyModels.model(config, kernels, policy);
    RowContext row = new RowContext(99, prompt, total - prompt);
    SequenceState state = new SequenceState(config, new KvPages(config), policy, row, true);
    Activations act = new Activations(config, kernels);
    Step step = new Step();
    float[][] logits = new float[total - prompt + 1][];
    int position = 0;
    while (position < total) {
      int end = position < prompt ? Math.min(prompt, position + chunk) : position + 1;
      step.clear();
      for (int p = position; p < end; p++) {
        step.add(state, tokens[p], p, p < prompt, p >= prompt - 1);
      }
      model.forward(step, act);
      if (end >= prompt) {
        logits[end - prompt] = Arrays.copyOf(act.logits(), config.vocabSize());
      }
      position = end;
    }
    return new TinyRun(logits, state);
  }
}
