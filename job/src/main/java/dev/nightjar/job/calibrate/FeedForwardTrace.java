package dev.nightjar.job.calibrate;

import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import java.io.Serializable;

/**
 * What the feed-forward sublayers did to one row's generated tokens.
 *
 * @param cosine {@code [tokens][layers]} cosine of the residual before and after the sublayer, the
 *     residual connection included; tokens are the generated ones that were fed back
 */
record FeedForwardTrace(float[][] cosine) implements Serializable {

  static FeedForwardTrace of(LlmEngine engine, DenseRow row) {
    HiddenStates states = engine.hiddenStates(row.fed(), row.prompt().length);
    int from = states.promptTokens();
    int d = states.hiddenSize();
    float[][] cosine = new float[states.tokens().length - from][states.layers()];
    for (int t = 0; t < cosine.length; t++) {
      for (int layer = 0; layer < states.layers(); layer++) {
        cosine[t][layer] =
            (float)
                BlockStats.cosine(
                    states.afterAttention()[layer],
                    states.residuals()[layer + 1],
                    (from + t) * d,
                    d);
      }
    }
    return new FeedForwardTrace(cosine);
  }
}
