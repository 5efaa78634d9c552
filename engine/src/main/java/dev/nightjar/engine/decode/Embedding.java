package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.api.Usage;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import java.util.List;

/**
 * A row whose prompt becomes a vector. Prompt tokens that the policy dropped on their way up do not
 * count. Confined to its decoder's thread.
 */
final class Embedding extends Sequence {
  private final Task.Embed task;
  private final float[] sum;
  private final float[] hidden;
  private int count;

  Embedding(
      GenerationRequest request,
      Task.Embed task,
      int[] prompt,
      SequenceState state,
      long reservedKvBytes,
      int hiddenSize,
      long nowNanos) {
    super(request, prompt, state, reservedKvBytes, nowNanos);
    this.task = task;
    this.sum = new float[hiddenSize];
    this.hidden = new float[hiddenSize];
  }

  @Override
  boolean finished() {
    return !prefilling();
  }

  @Override
  int nextSlots() {
    throw new IllegalStateException("nothing follows the prompt of an embedding");
  }

  @Override
  boolean adopts() {
    return task.pooling() == Task.Pooling.LAST;
  }

  @Override
  boolean producesFromPrompt() {
    return false;
  }

  @Override
  void fillNext(Step step, int slots) {
    throw new IllegalStateException("nothing follows the prompt of an embedding");
  }

  @Override
  void observePrompt(Pass pass, int firstSlot, int slots) {
    boolean ends = position() + slots == promptLength();
    int first = 0;
    if (task.pooling() == Task.Pooling.LAST) {
      first = ends ? slots - 1 : slots;
    }
    for (int i = first; i < slots; i++) {
      if (pass.model().hidden(pass.activations(), firstSlot + i, hidden)) {
        pass.kernels().add(sum, 0, hidden, 0, sum.length);
        count++;
      }
    }
  }

  @Override
  void acceptPrompt(Pass pass, int row) {
    throw new IllegalStateException("the prompt of an embedding produces no logits");
  }

  @Override
  int acceptNext(Pass pass, int row, int slots) {
    throw new IllegalStateException("nothing follows the prompt of an embedding");
  }

  @Override
  void giveUp() {
    throw new IllegalStateException("no policy gives up an embedding");
  }

  /** The mean, scaled to length 1 if asked for; a vector of zeros stays as it is. */
  private float[] vector() {
    float[] vector = sum.clone();
    double squares = 0;
    for (int i = 0; i < vector.length; i++) {
      vector[i] /= count;
      squares += (double) vector[i] * vector[i];
    }
    if (task.unit() && squares > 0) {
      double length = Math.sqrt(squares);
      for (int i = 0; i < vector.length; i++) {
        vector[i] = (float) (vector[i] / length);
      }
    }
    return vector;
  }

  @Override
  GenerationResult result(String depthPolicy) {
    return new GenerationResult(
        request.key(),
        null,
        List.of(),
        FinishReason.STOP,
        null,
        null,
        new Usage(promptTokens, 0, state.cachedSlots()),
        0,
        List.of(),
        timing(),
        state.stats(depthPolicy),
        new Finding.Embedding(vector()));
  }
}
