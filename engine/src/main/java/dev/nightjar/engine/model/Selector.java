package dev.nightjar.engine.model;

import dev.nightjar.engine.depth.PromptFilter;
import java.util.Arrays;

/**
 * Stops the prompts that are to be shortened at the filter's layer and notes which of their tokens
 * stay. Immutable and safe for concurrent use with one {@link Activations} per thread.
 */
final class Selector {
  private final PromptFilter filter;
  private final LayerMath math;
  private final ModelConfig config;

  Selector(PromptFilter filter, LayerMath math, ModelConfig config) {
    this.filter = filter;
    this.math = math;
    this.config = config;
  }

  /** Before a layer. */
  void select(int layer, Step step, Activations act) {
    if (layer != filter.layer()) {
      return;
    }
    int i = 0;
    while (i < step.size) {
      int length = Chooser.promptLength(step, i);
      if (length > 0 && step.sequences[i].filtering()) {
        select(step, act, i, length);
      }
      i += Math.max(1, length);
    }
  }

  private void select(Step step, Activations act, int first, int length) {
    SequenceState sequence = step.sequences[first];
    int c = config.hiddenSize();
    int kvDim = config.kvDim();
    act.ensureMass();
    System.arraycopy(act.residual, first * c, act.panel, 0, length * c);
    math.similarity(filter.layer(), step, act, first, length, act.mass);
    sequence.counter.spent((long) length * kvDim * (c + 1) + (long) c * config.queryDim());
    Arrays.fill(act.keep, 0, length, false);
    filter.choose(act.mass, length, act.keep);
    int[] kept = new int[length];
    int count = 0;
    for (int position = 0; position < length; position++) {
      act.status[first + position] = Activations.FILTERED;
      if (act.keep[position] || position == length - 1) {
        kept[count++] = position;
      } else {
        sequence.counter.dropped(act.layersRun[first + position]);
      }
    }
    sequence.chose(Arrays.copyOf(kept, count));
  }
}
