package dev.nightjar.engine.api;

import java.io.Serializable;
import java.util.List;
import java.util.Objects;

/**
 * How tokens are chosen and when generation stops. Names and meanings are those of OpenAI and vLLM.
 *
 * @param maxTokens most tokens to generate, at least 1
 * @param temperature 0 is greedy; otherwise logits are divided by it
 * @param topK keep the k most likely tokens; 0 keeps all
 * @param topP keep the smallest set of tokens whose probability reaches this, in (0, 1]
 * @param minP drop tokens less likely than this times the most likely one, in [0, 1)
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens already seen;
 *     1 is off
 * @param seed run seed; a row's random stream depends on this and the row key only
 * @param stop strings that end the generation; they are not part of the text
 * @param logprobs number of alternatives to report per token; 0 reports none, -1 switches token
 *     log-probabilities off
 * @param format what the text must look like; a stop string ends such a text only where it is
 *     complete
 */
public record SamplingParams(
    int maxTokens,
    float temperature,
    int topK,
    float topP,
    float minP,
    float repetitionPenalty,
    long seed,
    List<String> stop,
    int logprobs,
    ResponseFormat format)
    implements Serializable {

  /** The largest number of alternatives per token that can be asked for. */
  public static final int MAX_LOGPROBS = 20;

  public SamplingParams {
    check(maxTokens >= 1, "max-tokens", maxTokens, "at least 1");
    check(temperature >= 0 && temperature <= 100, "temperature", temperature, "in [0, 100]");
    check(topK >= 0, "top-k", topK, "0 (all) or more");
    check(topP > 0 && topP <= 1, "top-p", topP, "in (0, 1]");
    check(minP >= 0 && minP < 1, "min-p", minP, "in [0, 1)");
    check(
        repetitionPenalty > 0 && repetitionPenalty <= 100,
        "repetition-penalty",
        repetitionPenalty,
        "in (0, 100]");
    check(
        logprobs >= -1 && logprobs <= MAX_LOGPROBS,
        "logprobs",
        logprobs,
        "in [-1, " + MAX_LOGPROBS + "]");
    Objects.requireNonNull(format, "format is null");
    stop = List.copyOf(stop);
    for (String s : stop) {
      check(!s.isEmpty(), "stop", "an empty string", "non-empty strings");
    }
  }

  /** Parameters of free text. */
  public SamplingParams(
      int maxTokens,
      float temperature,
      int topK,
      float topP,
      float minP,
      float repetitionPenalty,
      long seed,
      List<String> stop,
      int logprobs) {
    this(
        maxTokens,
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        seed,
        stop,
        logprobs,
        ResponseFormat.TEXT);
  }

  private static void check(boolean ok, String name, Object found, String expected) {
    if (!ok) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION, name + " is " + found + ", expected " + expected);
    }
  }

  /** Greedy decoding of at most {@code maxTokens} tokens. */
  public static SamplingParams greedy(int maxTokens) {
    return new SamplingParams(maxTokens, 0f, 0, 1f, 0f, 1f, 0L, List.of(), -1);
  }

  /** The same with another format of the text. */
  public SamplingParams withFormat(ResponseFormat newFormat) {
    return new SamplingParams(
        maxTokens,
        temperature,
        topK,
        topP,
        minP,
        repetitionPenalty,
        seed,
        stop,
        logprobs,
        newFormat);
  }

  /** Whether the most likely token is always taken. */
  public boolean isGreedy() {
    return temperature == 0f;
  }
}
