package dev.nightjar.engine.decode;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.FinishReason;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import dev.nightjar.engine.depth.ArtefactFolder;
import dev.nightjar.engine.depth.DepthPolicy;
import dev.nightjar.engine.depth.Hashing;
import dev.nightjar.engine.depth.LayerSubset;
import dev.nightjar.engine.depth.RandomSkip;
import dev.nightjar.engine.depth.RowContext;
import dev.nightjar.engine.kernel.Kernels;
import dev.nightjar.engine.model.Activations;
import dev.nightjar.engine.model.KvPages;
import dev.nightjar.engine.model.LlamaModel;
import dev.nightjar.engine.model.ModelConfig;
import dev.nightjar.engine.model.SequenceState;
import dev.nightjar.engine.model.Step;
import dev.nightjar.engine.model.TinyModels;
import dev.nightjar.engine.tokenizer.PromptEncoder;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Labels and continuations scored without decoding, against running each of them by itself. */
class TestChoosing {
  private static final Kernels KERNELS = Kernels.best();
  private static final ModelConfig CONFIG = TinyModels.config(128);
  private static final PromptEncoder ENCODER =
      new PromptEncoder(new ByteTokenizer(), Optional.empty());
  private static final EngineConfig OPTIONS = EngineConfig.DEFAULT;
  private static final List<String> LABELS =
      List.of("spam", "ham", "spammer", "hat", "sports", "x", "no");

  static Stream<DepthPolicy> policies() {
    return Stream.of(
        DepthPolicy.full(),
        DepthPolicy.named("unified").with(new LayerSubset(LayerSubset.unified(6, 0.5), true)),
        DepthPolicy.named("random").with(new RandomSkip(RandomSkip.uniformRates(6, 0.6), 5)),
        DepthPolicy.named("dllm").with(TinyModels.router(CONFIG, KERNELS, 0f)),
        ArtefactFolder.load("gemfilter:keep=0.6,layer=2", CONFIG, KERNELS),
        TinyModels.exit(CONFIG, 0.3f, false, 2, 4),
        TinyModels.exit(CONFIG, 0.3f, true, 2, 4));
  }

  private static String text(Random random, int length) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append((char) ('a' + random.nextInt(26)));
    }
    return text.toString();
  }

  /** Rows of all kinds. */
  private static List<GenerationRequest> requests(int count) {
    Random random = new Random(31);
    List<GenerationRequest> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Prompt prompt = new Prompt.Text(text(random, 1 + random.nextInt(60)));
      Task task =
          switch (i % 5) {
            case 0 -> new Task.Choose(LABELS, "", Task.Length.SUM);
            case 1 -> new Task.Choose(LABELS.subList(0, 3), "it is ", Task.Length.MEAN);
            case 2 -> new Task.Score(text(random, 1 + random.nextInt(30)), "so ");
            case 3 -> new Task.Generate(SamplingParams.greedy(1 + random.nextInt(9)));
            default -> new Task.Embed(Task.Pooling.values()[i % 2], i % 3 == 0);
          };
      out.add(new GenerationRequest("row-" + i, prompt, task));
    }
    return out;
  }

  private static Map<String, GenerationResult> run(
      DepthPolicy policy, EngineConfig options, List<GenerationRequest> requests) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    Map<String, GenerationResult> out = new HashMap<>();
    new BatchDecoder(model, ENCODER, KERNELS, options, requests.iterator(), false)
        .forEachRemaining(result -> out.put(result.key(), result));
    return out;
  }

  private static GenerationResult run(DepthPolicy policy, String prompt, Task task) {
    GenerationRequest request = new GenerationRequest("k", new Prompt.Text(prompt), task);
    return run(policy, OPTIONS, List.of(request)).get("k");
  }

  /** Everything of a result but its times. */
  private static List<Object> content(GenerationResult r) {
    Object finding =
        r.finding() instanceof Finding.Embedding(float[] vector)
            ? Arrays.toString(vector)
            : String.valueOf(r.finding());
    return List.of(
        String.valueOf(r.error()),
        String.valueOf(r.text()),
        r.tokenIds(),
        String.valueOf(r.finishReason()),
        r.usage(),
        r.cumulativeLogprob(),
        String.valueOf(r.compute()),
        finding);
  }

  /** The logits of every position from the last prompt token on, one slot per step. */
  private static float[][] alone(DepthPolicy policy, int[] prompt, int[] answer, int maxTokens) {
    LlamaModel model = TinyModels.model(CONFIG, KERNELS, policy);
    RowContext row = new RowContext(Hashing.of("k"), prompt.length, maxTokens);
    SequenceState state = new SequenceState(CONFIG, new KvPages(CONFIG), policy, row, false);
    Activations act = new Activations(CONFIG, KERNELS);
    Step step = new Step();
    float[][] logits = new float[answer.length][];
    int[] read = prompt;
    for (int[] kept = read; kept != null; kept = state.restart()) {
      read = kept == prompt ? prompt : Arrays.stream(kept).map(i -> prompt[i]).toArray();
      step.clear();
      for (int i = 0; i < read.length; i++) {
        step.add(state, read[i], i, true, i == read.length - 1 && !state.filtering());
      }
      model.forward(step, act);
    }
    for (int i = 0; i < answer.length; i++) {
      logits[i] = Arrays.copyOf(act.logits(), CONFIG.vocabSize());
      step.clear();
      step.add(state, answer[i], read.length + i, false, true);
      model.forward(step, act);
    }
    return logits;
  }

  private static double sum(float[][] logits, int[] answer) {
    double sum = 0;
    for (int i = 0; i < answer.length; i++) {
      sum += logits[i][answer[i]] - KERNELS.logSumExp(logits[i], 0, CONFIG.vocabSize());
    }
    return sum;
  }

  private static int[] ids(String text) {
    return new ByteTokenizer().encode(text);
  }

  @ParameterizedTest
  @MethodSource("policies")
  void everyLabelScoresWhatItScoresAlone(DepthPolicy policy) {
    String prompt = "classify this text: win money now";
    Task.Choose task = Task.Choose.of(LABELS, "a: ");
    Finding.Choice choice = (Finding.Choice) run(policy, prompt, task).finding();
    String best = null;
    double most = Double.NEGATIVE_INFINITY;
    double total = 0;
    for (int i = 0; i < LABELS.size(); i++) {
      int[] answer = ids(LABELS.get(i));
      float[][] logits = alone(policy, ids(prompt + "a: "), ids(LABELS.get(i) + "m"), 7);
      double expected = sum(logits, answer);
      if (LABELS.get(i).equals("spam")) {
        float[] behind = logits[4];
        float goesOn = behind['m'] - KERNELS.logSumExp(behind, 0, CONFIG.vocabSize());
        expected += StrictMath.log(1 - StrictMath.exp(goesOn));
      }
      Finding.LabelScore score = choice.scores().get(i);
      assertThat(score.label()).isEqualTo(LABELS.get(i));
      assertThat(score.tokens()).isEqualTo(answer.length);
      assertThat(score.logprob()).isEqualTo(expected);
      best = expected > most ? LABELS.get(i) : best;
      most = Math.max(most, expected);
      total += score.probability();
    }
    assertThat(choice.label()).isEqualTo(best);
    assertThat(total).isBetween(1 - 1e-12, 1 + 1e-12);
  }

  @ParameterizedTest
  @MethodSource("policies")
  void continuationScoresWhatItsTokensScoreOneByOne(DepthPolicy policy) {
    String continuation = "that is what happens here";
    GenerationResult result = run(policy, "once", new Task.Score(continuation, " "));
    Finding.Likelihood found = (Finding.Likelihood) result.finding();
    int[] answer = ids(continuation);
    float[][] logits = alone(policy, ids("once "), answer, answer.length);
    assertThat(found.logprob()).isEqualTo(sum(logits, answer));
    assertThat(found.tokenLogprobs()).hasSize(answer.length);
    assertThat(found.meanLogprob()).isEqualTo(found.logprob() / answer.length);
    assertThat(result.cumulativeLogprob()).isEqualTo(found.logprob());
    assertThat(result.text()).isNull();
    assertThat(result.skippedNull()).isFalse();
    assertThat(result.tokenIds()).hasSize(answer.length);
  }

  @ParameterizedTest
  @MethodSource("policies")
  void batchPromptChunkAndCompanionsDoNotChangeAnything(DepthPolicy policy) {
    List<GenerationRequest> requests = requests(40);
    Map<String, List<Object>> expected = new HashMap<>();
    for (GenerationRequest request : requests) {
      EngineConfig options = OPTIONS.withMaxBatch(1).withPromptChunk(0);
      GenerationResult result = run(policy, options, List.of(request)).get(request.key());
      assertThat(result.error()).isNull();
      expected.put(request.key(), content(result));
    }
    for (int[] setting : new int[][] {{4, 0}, {7, 1}, {32, 16}}) {
      List<GenerationRequest> shuffled = new ArrayList<>(requests);
      Collections.shuffle(shuffled, new Random(setting[0]));
      EngineConfig options = OPTIONS.withMaxBatch(setting[0]).withPromptChunk(setting[1]);
      run(policy, options, shuffled)
          .forEach((key, result) -> assertThat(content(result)).isEqualTo(expected.get(key)));
    }
  }

  @ParameterizedTest
  @MethodSource("policies")
  void countersAddUpAsForGeneratedTokens(DepthPolicy policy) {
    boolean deferred = policy.exit() != null && policy.exit().keysValues().deferred();
    for (GenerationResult result : run(policy, OPTIONS, requests(20)).values()) {
      ComputeStats stats = result.compute();
      int producing = result.usage().completionTokens();
      long generated = stats.layersExecuted() + stats.layersSkipped() + stats.layersExited();
      int prefill = result.usage().promptTokens() - (producing > 0 ? 1 : 0);
      assertThat(stats.layersExecutedPrefill() + stats.layersSkippedPrefill())
          .isEqualTo(6L * prefill);
      if (!deferred) {
        assertThat(generated).isEqualTo(6L * producing);
      }
    }
  }

  @Test
  void labelsOfOneTokenCostNothingBesideThePrompt() {
    GenerationResult result =
        run(DepthPolicy.full(), "abcdef", Task.Choose.of(List.of("a", "b", "c"), "x"));
    ComputeStats stats = result.compute();
    assertThat(result.usage().promptTokens()).isEqualTo(7);
    assertThat(result.usage().completionTokens()).isEqualTo(1);
    long attention = 6L * 7 * 8 / 2 * 2 * CONFIG.queryDim();
    assertThat(stats.flops())
        .isEqualTo(2.0 * (6 * 7 * CONFIG.layerMacs() + attention + CONFIG.headMacs()));
    assertThat(stats.flops()).isEqualTo(stats.flopsFull());
  }

  @Test
  void promptsLeaveEarlyUnderAdaInferIfAllLabelsHaveOneToken(@TempDir Path folder) {
    String spec =
        new ArtefactFolder(folder, "adainfer", CONFIG)
            .with("coefficients", List.of(100, 0, 0))
            .with("layers", List.of(2, 4))
            .write();
    DepthPolicy always = ArtefactFolder.load(spec, CONFIG, KERNELS);
    GenerationResult early = run(always, "abcdef", Task.Choose.of(List.of("x", "y"), "is "));
    assertThat(early.compute().exitLayerHistogram().get(2)).isEqualTo(1);
    assertThat(early.compute().layersExecutedPrefill()).isEqualTo(2L * 8);
    DepthPolicy firstTwo =
        DepthPolicy.named("two").with(new LayerSubset(BitSet.valueOf(new long[] {3}), false));
    GenerationResult two = run(firstTwo, "abcdef", Task.Choose.of(List.of("x", "y"), "is "));
    assertThat(early.finding()).isEqualTo(two.finding());
    GenerationResult late = run(always, "abcdef", Task.Choose.of(List.of("x", "yes"), "is "));
    assertThat(late.compute().earlyExitTokens()).isZero();
  }

  @Test
  void sharedTokensOfLabelsRunOnce() {
    // s p a m m e, o r t, h a, n; the root's logits come from the prompt
    GenerationResult result = run(DepthPolicy.full(), "abc", Task.Choose.of(LABELS));
    assertThat(result.usage().completionTokens()).isEqualTo(1 + 6 + 3 + 2 + 1);
    assertThat(result.compute().flops()).isEqualTo(result.compute().flopsFull());
    assertThat(result.compute().layersExecuted()).isEqualTo(6L * 13);
  }

  @Test
  void meanComparesLabelsPerToken() {
    List<String> labels = List.of("a", "a long label");
    Finding.Choice sum =
        (Finding.Choice)
            run(DepthPolicy.full(), "zz", new Task.Choose(labels, "", Task.Length.SUM)).finding();
    Finding.Choice mean =
        (Finding.Choice)
            run(DepthPolicy.full(), "zz", new Task.Choose(labels, "", Task.Length.MEAN)).finding();
    for (int i = 0; i < 2; i++) {
      assertThat(mean.scores().get(i).logprob()).isEqualTo(sum.scores().get(i).logprob());
    }
    double a = Math.exp(mean.scores().get(0).logprob());
    double b = Math.exp(mean.scores().get(1).logprob() / 12);
    assertThat(mean.scores().get(0).probability())
        .isBetween(a / (a + b) - 1e-9, a / (a + b) + 1e-9);
    double c = Math.exp(sum.scores().get(1).logprob());
    assertThat(sum.scores().get(1).probability()).isBetween(c / (a + c) - 1e-9, c / (a + c) + 1e-9);
  }

  @Test
  void manyLongLabelsRunInBoundedSteps() {
    List<String> labels = new ArrayList<>();
    Random random = new Random(8);
    for (int i = 0; i < 400; i++) {
      labels.add(text(random, 2 + random.nextInt(5)) + i);
    }
    Task.Choose task = Task.Choose.of(labels);
    for (EngineConfig options : List.of(OPTIONS, OPTIONS.withMaxBatch(1))) {
      List<GenerationRequest> rows = new ArrayList<>(requests(6));
      rows.add(new GenerationRequest("k", new Prompt.Text("pick"), task));
      Finding.Choice choice =
          (Finding.Choice) run(DepthPolicy.full(), options, rows).get("k").finding();
      for (int i = 0; i < labels.size(); i += 57) {
        int[] answer = ids(labels.get(i));
        float[][] logits = alone(DepthPolicy.full(), ids("pick"), answer, 9);
        assertThat(choice.scores().get(i).logprob()).isEqualTo(sum(logits, answer));
      }
    }
  }

  @Test
  void rowsThatCannotBeScoredBecomeErrors() {
    GenerationResult same =
        run(DepthPolicy.full(), "abc", Task.Choose.of(List.of("\ud800", "\udc00")));
    assertThat(same.error().message()).contains("have the same tokens");
    GenerationResult overflow =
        run(DepthPolicy.full(), "x".repeat(120), Task.Choose.of(List.of("123456789", "b")));
    assertThat(overflow.error().message()).contains("120 tokens", "at least 9 tokens");
    GenerationResult fits =
        run(DepthPolicy.full(), "x".repeat(119), Task.Choose.of(List.of("123456789", "b")));
    assertThat(fits.error()).isNull();
    EngineConfig truncate = new EngineConfig("full", 4, 16, 64, 0, EngineConfig.Overlong.TRUNCATE);
    Task.Choose task = Task.Choose.of(List.of("123456789", "b"), "pre");
    GenerationRequest longer = new GenerationRequest("k", new Prompt.Text("x".repeat(500)), task);
    GenerationResult cut = run(DepthPolicy.full(), truncate, List.of(longer)).get("k");
    assertThat(cut.usage().promptTokens()).isEqualTo(119);
    GenerationRequest same119 = new GenerationRequest("k", new Prompt.Text("x".repeat(116)), task);
    assertThat(content(run(DepthPolicy.full(), truncate, List.of(same119)).get("k")))
        .isEqualTo(content(cut));
  }

  @Test
  void embeddingIsTheFinalNormOfThePromptsResiduals() {
    String text = "an embedding of a text";
    float[] last = vector(run(DepthPolicy.full(), text, new Task.Embed(Task.Pooling.LAST, false)));
    float[] unit = vector(run(DepthPolicy.full(), text, new Task.Embed(Task.Pooling.LAST, true)));
    float[] mean = vector(run(DepthPolicy.full(), text, new Task.Embed(Task.Pooling.MEAN, false)));
    int d = CONFIG.hiddenSize();
    double length = 0;
    for (float x : last) {
      length += x * x;
    }
    double[] expectedMean = new double[d];
    for (int end = 1; end <= text.length(); end++) {
      float[] one =
          vector(
              run(
                  DepthPolicy.full(),
                  text.substring(0, end),
                  new Task.Embed(Task.Pooling.LAST, false)));
      for (int i = 0; i < d; i++) {
        expectedMean[i] += one[i] / text.length();
      }
    }
    for (int i = 0; i < d; i++) {
      assertThat((double) mean[i]).isBetween(expectedMean[i] - 1e-5, expectedMean[i] + 1e-5);
      double scaled = last[i] / Math.sqrt(length);
      assertThat((double) unit[i]).isBetween(scaled - 1e-6, scaled + 1e-6);
    }
    // The head is the embedding: its row of a token times the vector is the token's logit.
    float[] logits = alone(DepthPolicy.full(), ids(text), ids("x"), 1)[0];
    var table = TinyModels.source(CONFIG, 7).find("model.embed_tokens.weight").orElseThrow().data();
    for (int token = 0; token < CONFIG.vocabSize(); token += 37) {
      double dot = 0;
      for (int i = 0; i < d; i++) {
        dot += last[i] * table.getAtIndex(ValueLayout.JAVA_FLOAT, (long) token * d + i);
      }
      assertThat(dot).isBetween(logits[token] - 1e-3, logits[token] + 1e-3);
    }
  }

  private static float[] vector(GenerationResult result) {
    assertThat(result.finishReason()).isEqualTo(FinishReason.STOP);
    assertThat(result.usage().completionTokens()).isZero();
    return ((Finding.Embedding) result.finding()).vector();
  }

  @Test
  void utf8LabelsShareTheirBytes() {
    List<String> labels = List.of("größe", "größer", "grün");
    GenerationResult result = run(DepthPolicy.full(), "wie?", Task.Choose.of(labels));
    Finding.Choice choice = (Finding.Choice) result.finding();
    assertThat(choice.scores().get(1).tokens())
        .isEqualTo("größer".getBytes(StandardCharsets.UTF_8).length);
    assertThat(result.text()).isEqualTo(choice.label()).isIn(labels);
  }
}
