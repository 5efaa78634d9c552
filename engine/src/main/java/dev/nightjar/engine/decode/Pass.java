package dev.nightjar.engine.decode;

import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.Step;

/** What a decoder's steps are computed with, and what the last one left behind. */
record Pass(LlamaModel model, Kernels kernels, Step step, Activations activations) {

  /** {@code [rows, vocabSize]} logits of the last step. */
  float[] logits() {
    return activations.logits();
  }

  /** Tokens of the vocabulary. */
  int vocabSize() {
    return model.config().vocabSize();
  }

  /** Where a row of logits starts. */
  int offset(int row) {
    return row * vocabSize();
  }

  /** What a row's logits must be reduced by to be log-probabilities. */
  float logSum(int row) {
    return kernels.logSumExp(logits(), offset(row), vocabSize());
  }
}
