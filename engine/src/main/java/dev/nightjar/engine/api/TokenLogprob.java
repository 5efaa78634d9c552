package dev.nightjar.engine.api;

import java.util.List;

/**
 * One generated token's natural-log probability under the model's unmodified distribution
 * (temperature 1, no penalties).
 *
 * @param top the most likely alternatives, most likely first; empty unless asked for
 */
public record TokenLogprob(int tokenId, String token, float logprob, List<TokenLogprob> top) {
  public TokenLogprob {
    top = List.copyOf(top);
  }
}
