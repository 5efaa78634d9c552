package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.LayerSubset;
import dev.nightjar.engine.depth.RandomSkip;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Continuous batching: what a row gets never depends on its companions. */
class TestBatchDecoder {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());
  private static final EngineConfig OPTIONS = EngineConfig.DEFAULT;

  static Stream<DepthPolicy> policies() {
    return Stream.of(
        DepthPolicy.full(),
        DepthPolicy.named("unified").with(new LayerSubset(LayerSubset.unified(6, 0.5), false)),
        DepthPolicy.named("random").with(new RandomSkip(RandomSkip.uniformRates(6, 0.6), 5)),
        DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f)),
        TinyModels.exit(CONFIG, 0.3f, false, 2, 4),
        TinyModels.exit(CONFIG, 0.3f, true, 2, 4));
  }

  private static List<GenerationRequest> requests(int count) {
    Random random = new Random(17);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder text = new StringBuilder();
      int length = 1 + random.nextInt(70);
      for (int j = 0; j < length; j++) {
        text.append((char) ('a' + random.nextInt(26)));
      }
      float temperature = i % 3 == 0 ? 0f : 0.9f;
      SamplingParams sampling =
          new SamplingParams(
              1 + random.nextInt(20),
              temperature,
              i % 5 == 0 ? 8 : 0,
              0.95f,
              0.01f,
              i % 4 == 0 ? 1.2f : 1f,
              42L,
              List.of(),
              i % 2 == 0 ? 2 : -1);
      out.add(new GenerationRequest("row-" + i, new Prompt.Text(text.toString()), sampling));
    }
    return out;
  }

  private static List<GenerationResult> run(
      DepthPolicy policy, EngineConfig options, List<GenerationRequest> requests) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    List<GenerationResult> out = new ArrayList<>();
    new BatchDecoder(model, ENCODER, KERNELS, options, requests.iterator(), false)
        .forEachRemaining(out::add);
    return out;
  }

  /** Everything of a result but its times. */
  private static List<Object> content(List<GenerationResult> results) {
    List<Object> out = new ArrayList<>();
    for (GenerationResult r : results) {
      out.add(
          List.of(
              r.key(),
              String.valueOf(r.text()),
              r.tokenIds(),
              String.valueOf(r.finishReason()),
              r.usage(),
              r.cumulativeLogprob(),
              r.logprobs(),
              String.valueOf(r.compute())));
    }
    return out;
  }

  @ParameterizedTest
  @MethodSource("policies")
  void batchSizeAndPromptChunkDoNotChangeAnything(DepthPolicy policy) {
    List<GenerationRequest> requests = requests(40);
    List<Object> expected = content(run(policy, OPTIONS, requests));
    for (int batch : new int[] {1, 7, 32}) {
      for (int chunk : new int[] {0, 1, 16}) {
        EngineConfig options = OPTIONS.withMaxBatch(batch).withPromptChunk(chunk);
        assertThat(content(run(policy, options, requests))).isEqualTo(expected);
      }
    }
  }

  @Test
  void orderOfRowsDoesNotChangeARowsResult() {
    List<GenerationRequest> requests = requests(30);
    List<Object> expected = content(run(DepthPolicy.full(), OPTIONS, requests));
    List<GenerationRequest> reversed = new ArrayList<>(requests);
    Collections.reverse(reversed);
    List<GenerationResult> results = run(DepthPolicy.full(), OPTIONS, reversed);
    Collections.reverse(results);
    assertThat(content(results)).isEqualTo(expected);
  }

  @Test
  void resultsComeInInputOrderAndInputIsPulledLazily() {
    List<GenerationRequest> requests = requests(300);
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
    int[] pulled = {0};
    Iterator<GenerationRequest> counting =
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return pulled[0] < requests.size();
          }

          @Override
          public GenerationRequest next() {
            return requests.get(pulled[0]++);
          }
        };
    BatchDecoder decoder =
        new BatchDecoder(model, ENCODER, KERNELS, OPTIONS.withMaxBatch(4), counting, false);
    for (int i = 0; i < requests.size(); i++) {
      assertThat(decoder.next().key()).isEqualTo("row-" + i);
      assertThat(pulled[0] - i).isLessThanOrEqualTo(decoder.window() + 1);
    }
    assertThat(decoder.hasNext()).isFalse();
  }

  @Test
  void badRowsBecomeErrorResultsAndTheOthersGoOn() {
    GenerationRequest good = requests(1).getFirst();
    SamplingParams greedy = SamplingParams.greedy(4);
    List<GenerationRequest> rows =
        List.of(
            new GenerationRequest("null", new Prompt.Missing(), greedy),
            good,
            new GenerationRequest(
                "bad", new Prompt.Invalid(new RowError(ErrorCode.INVALID_PROMPT, "no")), greedy),
            new GenerationRequest("empty", new Prompt.Text(""), greedy),
            new GenerationRequest("long", new Prompt.Text("x".repeat(500)), greedy),
            new GenerationRequest("template", new Prompt.Messages(List.of()), greedy),
            new GenerationRequest("ids", new Prompt.TokenIds(List.of(1, 99999)), greedy),
            good);
    List<GenerationResult> results = run(DepthPolicy.full(), OPTIONS, rows);
    assertThat(results.get(0).skippedNull()).isTrue();
    assertThat(results.get(2).error().message()).isEqualTo("no");
    assertThat(results.get(3).error().code()).isEqualTo(ErrorCode.INVALID_PROMPT);
    assertThat(results.get(4).error().code()).isEqualTo(ErrorCode.CONTEXT_OVERFLOW);
    assertThat(results.get(4).error().message()).contains("500 tokens", "128", "truncate");
    assertThat(results.get(5).error().code()).isEqualTo(ErrorCode.TEMPLATE_ERROR);
    assertThat(results.get(6).error().code()).isEqualTo(ErrorCode.INVALID_PROMPT);
    assertThat(content(List.of(results.get(1)))).isEqualTo(content(List.of(results.get(7))));
    assertThat(results.get(1).error()).isNull();
  }

  @Test
  void overlongPromptIsCutAtItsBeginningWhenAskedFor() {
    EngineConfig truncate = new EngineConfig("full", 4, 16, 64, 0, EngineConfig.Overlong.TRUNCATE);
    SamplingParams greedy = SamplingParams.greedy(8);
    GenerationRequest full =
        new GenerationRequest("k", new Prompt.Text("x".repeat(80) + "y".repeat(120)), greedy);
    GenerationRequest tail = new GenerationRequest("k", new Prompt.Text("y".repeat(120)), greedy);
    List<GenerationResult> results = run(DepthPolicy.full(), truncate, List.of(full, tail));
    assertThat(results.get(0).usage().promptTokens()).isEqualTo(120);
    assertThat(results.get(0).tokenIds()).isEqualTo(results.get(1).tokenIds());
  }

  @Test
  void generationEndsAtTheContextWindow() {
    GenerationRequest request =
        new GenerationRequest(
            "k",
            new Prompt.Text("z".repeat(120)),
            new SamplingParams(100, 1f, 0, 1f, 0f, 1f, 3, List.of(), -1));
    GenerationResult result = run(DepthPolicy.full(), OPTIONS, List.of(request)).getFirst();
    assertThat(result.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(result.usage().totalTokens()).isEqualTo(128);
  }

  @Test
  void stopStringEndsTheTextBeforeIt() {
    GenerationRequest free =
        new GenerationRequest("k", new Prompt.Text("hello"), SamplingParams.greedy(30));
    List<Integer> ids = run(DepthPolicy.full(), OPTIONS, List.of(free)).getFirst().tokenIds();
    int at = 0;
    while (ids.get(at) < 32 || ids.get(at) > 126 || ids.subList(0, at).contains(ids.get(at))) {
      at++;
    }
    String stop = String.valueOf((char) ids.get(at).intValue());
    SamplingParams stopping =
        new SamplingParams(30, 0f, 0, 1f, 0f, 1f, 0, List.of("never", stop), -1);
    GenerationResult result =
        run(
                DepthPolicy.full(),
                OPTIONS,
                List.of(new GenerationRequest("k", new Prompt.Text("hello"), stopping)))
            .getFirst();
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.stopReason()).isEqualTo(stop);
    assertThat(result.text()).doesNotContain(stop);
    assertThat(result.tokenIds()).hasSize(at + 1);
  }

  @Test
  void memoryLimitMakesRowsWaitAndNamesARowThatIsTooBig() {
    List<GenerationRequest> requests = requests(12);
    long page = 2L * 6 * 16 * CONFIG.kvDim() * 4;
    EngineConfig small = new EngineConfig("full", 8, 16, 64, 6 * page, EngineConfig.Overlong.ERROR);
    assertThat(content(run(DepthPolicy.full(), small, requests)))
        .isEqualTo(content(run(DepthPolicy.full(), OPTIONS, requests)));
    EngineConfig tiny = new EngineConfig("full", 8, 16, 64, page, EngineConfig.Overlong.ERROR);
    GenerationRequest big =
        new GenerationRequest("big", new Prompt.Text("x".repeat(60)), SamplingParams.greedy(4));
    GenerationResult refused = run(DepthPolicy.full(), tiny, List.of(big)).getFirst();
    assertThat(refused.error().code()).isEqualTo(ErrorCode.KV_LIMIT);
  }

  @Test
  void cancelEndsTheStream() {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, DepthPolicy.full());
    BatchDecoder decoder =
        new BatchDecoder(model, ENCODER, KERNELS, OPTIONS, requests(50).iterator(), false);
    decoder.next();
    decoder.cancel();
    assertThat(decoder.hasNext()).isFalse();
    assertThat(decoder.runningRows()).isZero();
  }

  @Test
  void logprobsAreThoseOfTheUnmodifiedDistributionAndSumUp() {
    SamplingParams params = new SamplingParams(6, 1.5f, 0, 1f, 0f, 1.3f, 9, List.of(), 3);
    GenerationResult result =
        run(
                DepthPolicy.full(),
                OPTIONS,
                List.of(new GenerationRequest("k", new Prompt.Text("abc"), params)))
            .getFirst();
    double sum = 0;
    for (var token : result.logprobs()) {
      sum += token.logprob();
      assertThat(token.top()).hasSize(3);
      assertThat(token.top().get(0).logprob()).isGreaterThanOrEqualTo(token.logprob());
    }
    assertThat(result.cumulativeLogprob())
        .isCloseTo(sum, org.assertj.core.data.Offset.offset(1e-4));
  }
}
