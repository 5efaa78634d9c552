package dev.nightjar.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.api.SamplingParams;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The embedded model under the schema of its own answers and under another one. */
class TestEmbeddedExtraction {
  private static final Set<String> TOPICS =
      Set.of("exmh", "fork", "ilug", "razor", "rpm", "spamassassin", "zzzzteana", "other");
  private static final ResponseFormat ITS_OWN =
      new ResponseFormat.JsonSchema(
          """
          {"type": "object", "additionalProperties": false,
           "required": ["label", "topic", "sender", "date"],
           "properties": {
             "label": {"enum": ["ham", "spam"]},
             "topic": {"enum": ["exmh", "fork", "ilug", "razor", "rpm", "spamassassin",
                                "zzzzteana", "other"]},
             "sender": {"type": "string"},
             "date": {"type": "string", "format": "date"}}}
          """);
  private static final ResponseFormat ANOTHER =
      new ResponseFormat.JsonSchema(
          """
          {"type": "object", "required": ["urgent", "score", "people"],
           "properties": {
             "urgent": {"type": "boolean"},
             "score": {"type": "number", "minimum": 0, "maximum": 1},
             "people": {"type": "array", "maxItems": 3, "items": {"type": "string"}}}}
          """);
  private static final ObjectMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private static List<GenerationRequest> requests(SamplingParams sampling) throws IOException {
    List<GenerationRequest> rows = new ArrayList<>();
    try (InputStream in = TestEmbeddedExtraction.class.getResourceAsStream("/triage/golden.json")) {
      for (JsonNode example : MAPPER.readTree(in).path("cases")) {
        Prompt prompt =
            new Prompt.Messages(List.of(new ChatMessage("user", example.path("content").asText())));
        rows.add(new GenerationRequest(example.path("id").asText(), prompt, sampling));
      }
    }
    return rows;
  }

  @ParameterizedTest
  @ValueSource(strings = {"full", "dllm", "exit:threshold=0.9", "layerskip:exit=6,length=4"})
  void answersThatFitAreNotChanged(String depth) throws IOException {
    SamplingParams free = SamplingParams.greedy(96);
    try (LlmEngine engine = LlmEngine.loadEmbedded(EngineConfig.DEFAULT.withDepth(depth))) {
      List<GenerationResult> answers = engine.generate(requests(free));
      List<GenerationResult> fitting = engine.generate(requests(free.withFormat(ITS_OWN)));
      for (int i = 0; i < answers.size(); i++) {
        assertThat(fitting.get(i).text()).isEqualTo(answers.get(i).text());
        // The end is known: no token is needed to say so.
        assertThat(fitting.get(i).usage().completionTokens())
            .isEqualTo(answers.get(i).usage().completionTokens() - 1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "full",
        "unified:keep=0.5",
        "dllm:budget=0.5",
        "random:keep=0.6,seed=5",
        "exit:confidence=top1,threshold=0.5,layers=4+6+8,vocabulary=20",
        "layerskip:exit=4,length=4,confidence=0"
      })
  void everyAnswerParsesAndFits(String depth) throws IOException {
    SamplingParams wild = new SamplingParams(40, 2f, 0, 1f, 0f, 1f, 5L, List.of(), -1);
    try (LlmEngine engine = LlmEngine.loadEmbedded(EngineConfig.DEFAULT.withDepth(depth))) {
      for (GenerationResult result : engine.generate(requests(wild.withFormat(ITS_OWN)))) {
        JsonNode answer = MAPPER.readTree(result.text());
        assertThat(answer.properties()).hasSize(4);
        assertThat(answer.path("label").asText()).isIn("ham", "spam");
        assertThat(answer.path("topic").asText()).isIn(TOPICS);
        assertThat(answer.path("sender").isTextual()).isTrue();
        assertThat(LocalDate.parse(answer.path("date").asText())).isNotNull();
      }
      for (GenerationResult result : engine.generate(requests(wild.withFormat(ANOTHER)))) {
        JsonNode answer = MAPPER.readTree(result.text());
        assertThat(answer.path("urgent").isBoolean()).isTrue();
        assertThat(answer.path("score").decimalValue()).isBetween(BigDecimal.ZERO, BigDecimal.ONE);
        assertThat(answer.path("people").isArray()).isTrue();
        assertThat(answer.path("people")).hasSizeLessThanOrEqualTo(3);
      }
    }
  }
}
