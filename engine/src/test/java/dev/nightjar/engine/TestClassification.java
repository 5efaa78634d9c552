package dev.nightjar.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.Finding;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The embedded model as a classifier, a scorer and an embedder. */
class TestClassification {
  private static final List<String> TOPICS =
      List.of("exmh", "fork", "ilug", "other", "rpm", "spamassassin", "zzzzteana");

  private static List<JsonNode> cases() throws IOException {
    try (InputStream in = TestClassification.class.getResourceAsStream("/triage/golden.json")) {
      List<JsonNode> cases = new ArrayList<>();
      new ObjectMapper().readTree(in).path("cases").forEach(cases::add);
      return cases;
    }
  }

  private static LlmEngine load(String depth) {
    return LlmEngine.loadEmbedded(EngineConfig.DEFAULT.withDepth(depth));
  }

  private static Prompt mail(JsonNode example) {
    return new Prompt.Messages(List.of(new ChatMessage("user", example.path("content").asText())));
  }

  private static List<GenerationResult> run(LlmEngine engine, List<JsonNode> mails, Task task) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (JsonNode example : mails) {
      requests.add(new GenerationRequest(example.path("id").asText(), mail(example), task));
    }
    return engine.generate(requests);
  }

  @ParameterizedTest
  @ValueSource(strings = {"full", "dllm"})
  void classifiesMailsAsTheirAnswersDo(String depth) throws IOException {
    try (LlmEngine engine = load(depth)) {
      List<JsonNode> mails = cases();
      String kind = depth.equals("full") ? "dense" : depth;
      List<GenerationResult> labels =
          run(engine, mails, Task.Choose.of(List.of("ham", "spam"), "{\"label\":\""));
      List<GenerationResult> topics =
          run(engine, mails, Task.Choose.of(TOPICS, "{\"label\":\"ham\",\"topic\":\""));
      for (int i = 0; i < mails.size(); i++) {
        JsonNode answer =
            new ObjectMapper().readTree(mails.get(i).path(kind).path("answer").asText());
        GenerationResult label = labels.get(i);
        assertThat(label.text()).isEqualTo(answer.path("label").asText());
        assertThat(label.usage().completionTokens()).isEqualTo(1);
        assertThat(((Finding.Choice) label.finding()).scores())
            .satisfiesExactlyInAnyOrder(
                score -> assertThat(score.probability()).isGreaterThan(0.5),
                score -> assertThat(score.probability()).isLessThan(0.5));
        if (label.text().equals("ham")) {
          assertThat(topics.get(i).text()).isEqualTo(answer.path("topic").asText());
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"full", "dllm", "unified:keep=0.75"})
  void labelScoresAreThoseOfScoringEachLabelsTokens(String depth) throws IOException {
    String prefix = "{\"label\":\"ham\",\"topic\":\"";
    try (LlmEngine engine = load(depth)) {
      List<JsonNode> mails = cases().subList(0, 3);
      List<GenerationResult> results = run(engine, mails, Task.Choose.of(TOPICS, prefix));
      for (int i = 0; i < mails.size(); i++) {
        int[] prompt = engine.encoder().encode(mail(mails.get(i)));
        Finding.Choice choice = (Finding.Choice) results.get(i).finding();
        for (Finding.LabelScore score : choice.scores()) {
          int[] answer = engine.encoder().tokenizer().encode(prefix + score.label());
          int[] all = Arrays.copyOf(prompt, prompt.length + answer.length);
          System.arraycopy(answer, 0, all, prompt.length, answer.length);
          List<Float> logprobs = engine.score(all).logprobs();
          double expected = 0;
          for (int t = logprobs.size() - score.tokens(); t < logprobs.size(); t++) {
            expected += logprobs.get(t);
          }
          assertThat(score.logprob()).isEqualTo(expected);
        }
        assertThat(results.get(i).usage().promptTokens()).isGreaterThan(prompt.length);
      }
    }
  }

  @Test
  void continuationsAreScoredAsTheyWouldBeGenerated() throws IOException {
    try (LlmEngine engine = load("full")) {
      List<JsonNode> mails = cases().subList(0, 4);
      for (JsonNode example : mails) {
        GenerationRequest free =
            new GenerationRequest("k", mail(example), SamplingParams.greedy(96));
        GenerationResult generated = engine.generate(List.of(free)).getFirst();
        GenerationRequest given =
            new GenerationRequest("k", mail(example), Task.Score.of(generated.text()));
        GenerationResult scored = engine.generate(List.of(given)).getFirst();
        int tokens = generated.tokenIds().size() - 1;
        assertThat(scored.tokenIds()).isEqualTo(generated.tokenIds().subList(0, tokens));
        assertThat(scored.compute().flops()).isLessThan(generated.compute().flops());
        // What is missing is the token that ends the text, which is next to certain.
        assertThat(scored.cumulativeLogprob())
            .isBetween(generated.cumulativeLogprob(), generated.cumulativeLogprob() + 0.1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"full", "dllm", "pyramid:decay=0.9,min-length=16", "gemfilter:keep=0.7,layer=4"})
  void resultsDoNotDependOnBatchOrChunk(String depth) throws IOException {
    List<JsonNode> mails = cases();
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < mails.size(); i++) {
      Task task =
          switch (i % 4) {
            case 0 -> Task.Choose.of(TOPICS, "{\"label\":\"ham\",\"topic\":\"");
            case 1 -> new Task.Embed(Task.Pooling.MEAN, true);
            case 2 -> Task.Score.of("{\"label\":\"spam\"");
            default -> new Task.Generate(SamplingParams.greedy(12));
          };
      requests.add(new GenerationRequest("k" + i, mail(mails.get(i)), task));
    }
    List<List<Object>> seen = new ArrayList<>();
    EngineConfig options = EngineConfig.DEFAULT.withDepth(depth);
    for (EngineConfig config :
        List.of(options, options.withMaxBatch(1).withPromptChunk(7), options.withMaxBatch(5))) {
      try (LlmEngine engine = LlmEngine.loadEmbedded(config)) {
        List<GenerationRequest> shuffled = new ArrayList<>(requests);
        Collections.rotate(shuffled, seen.size());
        List<Object> contents = new ArrayList<>(Collections.nCopies(shuffled.size(), null));
        for (GenerationResult result : engine.generate(shuffled)) {
          int index = Integer.parseInt(result.key().substring(1));
          Object finding =
              result.finding() instanceof Finding.Embedding(float[] vector)
                  ? Arrays.toString(vector)
                  : String.valueOf(result.finding());
          contents.set(index, List.of(finding, result.cumulativeLogprob(), result.tokenIds()));
        }
        seen.add(contents);
      }
    }
    assertThat(seen.get(1)).isEqualTo(seen.get(0));
    assertThat(seen.get(2)).isEqualTo(seen.get(0));
  }

  @Test
  void embeddingsOfLikeMailsAreNearerThanOfUnlikeOnes() throws IOException {
    try (LlmEngine engine = load("full")) {
      List<JsonNode> mails = cases();
      List<GenerationResult> results = run(engine, mails, new Task.Embed(Task.Pooling.LAST, true));
      double within = 0;
      double across = 0;
      int withinPairs = 0;
      int acrossPairs = 0;
      for (int i = 0; i < mails.size(); i++) {
        for (int j = 0; j < i; j++) {
          double dot = dot(vector(results.get(i)), vector(results.get(j)));
          if (spam(mails.get(i)) == spam(mails.get(j))) {
            within += dot;
            withinPairs++;
          } else {
            across += dot;
            acrossPairs++;
          }
        }
        double length = dot(vector(results.get(i)), vector(results.get(i)));
        assertThat(length).isBetween(1 - 1e-5, 1 + 1e-5);
      }
      assertThat(within / withinPairs).isGreaterThan(across / acrossPairs);
    }
  }

  private static boolean spam(JsonNode example) {
    return example.path("dense").path("answer").asText().contains("\"spam\"");
  }

  private static float[] vector(GenerationResult result) {
    return ((Finding.Embedding) result.finding()).vector();
  }

  private static double dot(float[] a, float[] b) {
    return IntStream.range(0, a.length).mapToDouble(i -> (double) a[i] * b[i]).sum();
  }

  @Test
  void refusesLabelsThatCannotBeToldApart() {
    assertThatThrownBy(() -> Task.Choose.of(List.of()))
        .isInstanceOf(EngineException.class)
        .hasMessage("there are 0 labels, expected 1 to 1000; name at least one");
    assertThatThrownBy(() -> Task.Choose.of(Collections.nCopies(1001, "a")))
        .hasMessage("there are 1001 labels, expected 1 to 1000; group them");
    assertThatThrownBy(() -> Task.Choose.of(List.of("a", "b", "a")))
        .hasMessage("label \"a\" is there twice; remove one of them");
    assertThatThrownBy(() -> Task.Choose.of(List.of("a", "")))
        .hasMessage("label 1 is empty, expected at least one character");
    assertThatThrownBy(() -> Task.Score.of(""))
        .hasMessage("the continuation to score is empty, expected at least one character");
  }
}
