package dev.nightjar.job.quantize;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.Score;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * How well a model predicts a text, in pieces of equal length that do not see one another.
 *
 * @param tokens predicted
 * @param meanNll mean negative log-likelihood, in nats
 */
record Perplexity(int tokens, double meanNll) {
  private static final int PIECE = 512;

  /** Scores a text with the model at a path, at full depth. */
  static Perplexity of(Path model, String text, int cores) {
    EngineConfig.Host host = new EngineConfig.Host(cores, EngineConfig.Host.OFF);
    try (LlmEngine engine = LlmEngine.load(model, EngineConfig.DEFAULT.withHost(host))) {
      int[] tokens = engine.encoder().encode(new Prompt.Text(text));
      int piece = Math.min(PIECE, engine.modelConfig().contextLength());
      int predicted = 0;
      double sum = 0;
      for (int first = 0; first + 1 < tokens.length; first += piece) {
        int end = Math.min(tokens.length, first + piece);
        Score score = engine.score(Arrays.copyOfRange(tokens, first, end));
        predicted += score.logprobs().size();
        for (float logprob : score.logprobs()) {
          sum -= logprob;
        }
      }
      if (predicted == 0) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "--text has " + tokens.length + " tokens, expected at least 2");
      }
      return new Perplexity(predicted, sum / predicted);
    }
  }

  double value() {
    return Math.exp(meanNll);
  }
}
