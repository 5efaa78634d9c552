package dev.nightjar.engine.model;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.BlockDesign.Experts;
import java.util.Arrays;

/**
 * A mixture of experts (Shazeer et al., arXiv:1701.06538): each row runs the experts with the
 * highest router scores and adds up what they give, weighted by the soft-max of the scores. Experts
 * are computed in ascending order, each for all of its rows, so that a row's result does not depend
 * on the others. Immutable and safe for concurrent use with one {@link Activations} per thread.
 */
final class ExpertMath {
  private final ModelConfig config;
  private final Experts experts;
  private final Kernels kernels;

  ExpertMath(ModelConfig config, Kernels kernels) {
    this.config = config;
    this.experts = config.blocks().experts();
    this.kernels = kernels;
  }

  /**
   * Leaves the weighted sums in {@code act.projected}.
   *
   * @param input {@code [rows, C]}
   */
  void run(LayerMath math, LayerWeights.FeedForward w, float[] input, int rows, Activations act) {
    int c = config.hiddenSize();
    ExpertScratch scratch = act.experts;
    kernels.matmul(w.router(), input, c, rows, scratch.weights, experts.count(), act.matmul);
    for (int row = 0; row < rows; row++) {
      route(scratch, row * experts.count());
    }
    Arrays.fill(act.projected, 0, rows * c, 0f);
    for (int expert = 0; expert < experts.count(); expert++) {
      int chosen = 0;
      for (int row = 0; row < rows; row++) {
        if (scratch.weights[row * experts.count() + expert] != 0f) {
          System.arraycopy(input, row * c, scratch.input, chosen * c, c);
          scratch.rows[chosen++] = row;
        }
      }
      if (chosen == 0) {
        continue;
      }
      math.expert(
          w.experts()[expert],
          experts.intermediateSize(),
          scratch.input,
          chosen,
          scratch.output,
          act);
      for (int i = 0; i < chosen; i++) {
        int row = scratch.rows[i];
        float weight = scratch.weights[row * experts.count() + expert];
        for (int j = 0; j < c; j++) {
          act.projected[row * c + j] =
              Math.fma(weight, scratch.output[i * c + j], act.projected[row * c + j]);
        }
      }
    }
  }

  /**
   * Turns a row's scores into weights: 0 for the experts that do not run. The lower number wins
   * among equals.
   */
  private void route(ExpertScratch scratch, int offset) {
    float[] weights = scratch.weights;
    int count = experts.count();
    float logSum = kernels.logSumExp(weights, offset, count);
    float[] chosen = scratch.chosen;
    Arrays.fill(chosen, 0, count, 0f);
    float sum = 0;
    for (int i = 0; i < experts.perToken(); i++) {
      int best = kernels.argmax(weights, offset, count);
      chosen[best] = Kernels.exp(weights[offset + best] - logSum);
      sum += chosen[best];
      weights[offset + best] = Float.NEGATIVE_INFINITY;
    }
    for (int expert = 0; expert < count; expert++) {
      weights[offset + expert] = experts.normalised() ? chosen[expert] / sum : chosen[expert];
    }
  }
}
