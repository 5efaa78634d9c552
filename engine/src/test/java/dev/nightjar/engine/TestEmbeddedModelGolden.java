package dev.nightjar.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import java.io.IOException;
import java.io.InputStream;
import java.util.BitSet;
import java.util.List;
import java.util.stream.StreamSupport;
import org.assertj.core.data.Offset;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The embedded model against its training code's own float64 reference: token ids, logits, greedy
 * answers and every decision of the routers.
 */
class TestEmbeddedModelGolden {
  private static JsonNode golden() throws IOException {
    try (InputStream in =
        TestEmbeddedModelGolden.class.getResourceAsStream("/triage/golden.json")) {
      return new ObjectMapper().readTree(in);
    }
  }

  private static List<Integer> ints(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).map(JsonNode::asInt).toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"dense", "dllm"})
  void agreesWithTheReference(String kind) throws IOException {
    String depth = kind.equals("dense") ? "full" : kind;
    JsonNode golden = golden();
    assertThat(golden.path("cases")).hasSize(12);
    try (LlmEngine engine = LlmEngine.loadEmbedded(EngineConfig.DEFAULT.withDepth(depth))) {
      for (JsonNode example : golden.path("cases")) {
        check(engine, example, example.path(kind));
      }
    }
  }

  private static void check(LlmEngine engine, JsonNode example, JsonNode expected) {
    String id = example.path("id").asText();
    Prompt prompt =
        new Prompt.Messages(List.of(new ChatMessage("user", example.path("content").asText())));
    int[] promptIds = engine.encoder().encode(prompt);
    assertThat(promptIds).as(id).containsExactly(toArray(example.path("prompt_ids")));
    engine.score(
        promptIds,
        (position, logits, offset) -> {
          if (position == promptIds.length - 1) {
            double largest = expected.path("prompt_last_top20").path(0).path(1).asDouble();
            for (JsonNode pair : expected.path("prompt_last_top20")) {
              assertThat((double) logits[offset + pair.path(0).asInt()])
                  .as("%s, logit of token %d", id, pair.path(0).asInt())
                  .isCloseTo(pair.path(1).asDouble(), Offset.offset(1e-4 * largest));
            }
          }
        });
    Explanation explanation =
        engine.explain(new GenerationRequest(id, prompt, SamplingParams.greedy(96)));
    assertThat(explanation.result().text()).as(id).isEqualTo(expected.path("answer").asText());
    assertThat(withoutEnd(explanation.result().tokenIds()))
        .as(id)
        .isEqualTo(withoutEnd(ints(expected.path("answer_ids"))));
    JsonNode mask = expected.path("mask");
    for (int layer = 0; layer < mask.size(); layer++) {
      String wanted = mask.path(layer).asText();
      List<BitSet> slots = explanation.slots();
      for (int slot = 0; slot < Math.min(slots.size(), wanted.length()); slot++) {
        assertThat(slots.get(slot).get(layer))
            .as("%s, layer %d, slot %d", id, layer, slot)
            .isEqualTo(wanted.charAt(slot) == '1');
      }
    }
  }

  private static int[] toArray(JsonNode array) {
    return ints(array).stream().mapToInt(Integer::intValue).toArray();
  }

  /** The answer without the token that ends it. */
  private static List<Integer> withoutEnd(List<Integer> ids) {
    return ids.getLast() == 3 ? ids.subList(0, ids.size() - 1) : ids;
  }
}
