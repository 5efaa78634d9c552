package dev.nightjar.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.tokenizer.template.JsonValues;
import dev.nightjar.engine.tokenizer.template.Template;
import dev.nightjar.engine.tokenizer.template.TemplateOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Published chat templates must render as Jinja2 renders them with Hugging Face's settings, give
 * the tokens that Hugging Face's library gives, and let no content become a control token: {@code
 * mvn -Pvocabularies}.
 */
@Tag("vocabularies")
class TestPublishedTemplates {
  private static final LocalDateTime NOW = LocalDateTime.of(2026, 3, 4, 5, 6, 7);
  private static final Pattern CONTROL =
      Pattern.compile(
          "<[|｜][^|｜<>'\"]{1,40}[|｜]>|\\[/?[A-Z_]{3,20}]|</?s>|<(?:start|end)_of_turn>");

  @TempDir static Path cache;

  /** A template with what Jinja made of each conversation. */
  record Published(JsonNode row, JsonNode conversations) {
    String name() {
      return row.get("name").asText();
    }

    ChatTemplate template() {
      return ChatTemplate.of(source(), text("bos_token"), text("eos_token"));
    }

    String source() {
      return row.get("source").asText();
    }

    String text(String key) {
      return row.get(key).asText();
    }

    Map<String, Object> variables(int conversation) {
      Map<String, Object> variables = new LinkedHashMap<>();
      for (Map.Entry<String, JsonNode> entry : conversations.get(conversation).properties()) {
        if (!entry.getKey().equals("name")) {
          variables.put(entry.getKey(), JsonValues.of(entry.getValue()));
        }
      }
      variables.put("bos_token", text("bos_token"));
      variables.put("eos_token", text("eos_token"));
      return variables;
    }

    @Override
    public String toString() {
      return name();
    }
  }

  static Stream<Published> templates() {
    JsonNode all = PublishedTokenizer.read(PublishedTokenizer.root().resolve("templates.json"));
    return StreamSupport.stream(all.get("templates").spliterator(), false)
        .map(row -> new Published(row, all.get("conversations")));
  }

  static Stream<Published> templatesWithTokenizer() {
    return templates().filter(published -> !published.text("tokenizer").isEmpty());
  }

  @ParameterizedTest
  @MethodSource("templates")
  void rendersAsJinja(Published published) {
    Template template = Template.parse(published.source());
    List<String> differences = new ArrayList<>();
    for (int i = 0; i < published.conversations().size(); i++) {
      JsonNode expected = published.row().get("expected").get(i);
      String label = published.conversations().get(i).get("name").asText();
      try {
        String rendered =
            template.render(published.variables(i), TemplateOptions.DEFAULT.withNow(NOW));
        if (!rendered.equals(expected.path("text").asText(null))) {
          differences.add(label + ": rendered\n" + rendered + "\nexpected\n" + expected);
        }
      } catch (EngineException e) {
        assertThat(e.code()).isEqualTo(ErrorCode.TEMPLATE_ERROR);
        if (!expected.has("error")) {
          differences.add(label + ": " + e.getMessage() + "\nexpected\n" + expected);
        }
      }
    }
    assertThat(differences)
        .as("%d of %d", differences.size(), published.conversations().size())
        .isEmpty();
  }

  /** Conversations of texts, which is what a prompt can be. */
  private static List<List<ChatMessage>> conversations(Published published) {
    List<List<ChatMessage>> found = new ArrayList<>();
    for (int i = 0; i < published.conversations().size(); i++) {
      JsonNode conversation = published.conversations().get(i);
      boolean plain =
          conversation.get("add_generation_prompt").asBoolean()
              && conversation.size() == 5
              && conversation.get("tools").isNull()
              && conversation.get("documents").isNull()
              && published.row().get("expected").get(i).has("text");
      List<ChatMessage> messages = new ArrayList<>();
      for (JsonNode message : conversation.get("messages")) {
        plain &= message.size() == 2 && message.path("content").isTextual();
        messages.add(
            new ChatMessage(message.get("role").asText(), message.path("content").asText()));
      }
      if (plain) {
        found.add(messages);
      }
    }
    return found;
  }

  @ParameterizedTest
  @MethodSource("templatesWithTokenizer")
  void promptsAreTokenisedAsHuggingFaceDoes(Published published) throws IOException {
    PublishedTokenizer tokenizer = tokenizerOf(published);
    ChatTemplate template = published.template();
    Tokenizer ours = Tokenizers.fromJson(tokenizer.description(), tokenizer.config());
    PromptEncoder encoder = new PromptEncoder(ours, Optional.of(template));
    int compared = 0;
    try (Oracle oracle = Oracle.of(tokenizer.file(), cache)) {
      for (List<ChatMessage> messages : conversations(published)) {
        String rendered = template.render(messages);
        if (messages.stream().noneMatch(m -> CONTROL.matcher(m.content()).find())) {
          assertThat(encoder.encode(new Prompt.Messages(messages)))
              .as(rendered)
              .isEqualTo(oracle.encode(rendered));
          compared++;
        }
      }
    }
    assertThat(compared).isGreaterThanOrEqualTo(5);
    assertContentsStayText(published, ours);
  }

  private static PublishedTokenizer tokenizerOf(Published published) {
    return PublishedTokenizer.all().stream()
        .filter(t -> t.name().equals(published.text("tokenizer")))
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @MethodSource("templates")
  void contentsStayText(Published published) {
    Set<String> specials = new LinkedHashSet<>();
    Matcher matcher = CONTROL.matcher(published.source());
    while (matcher.find()) {
      specials.add(matcher.group());
    }
    specials.add(published.text("bos_token"));
    specials.add(published.text("eos_token"));
    specials.remove("");
    ObjectNode json =
        SmallTokenizers.withAdded(
            SmallTokenizers.byteLevel(SmallTokenizers.LLAMA3_REGEX), "s", List.copyOf(specials));
    assertContentsStayText(published, Tokenizers.fromJson(json, MissingNode.getInstance()));
  }

  /** Contents full of control tokens give as many control tokens as harmless ones. */
  private static void assertContentsStayText(Published published, Tokenizer tokenizer) {
    PromptEncoder encoder = new PromptEncoder(tokenizer, Optional.of(published.template()));
    String all = String.join(" ", tokenizer.specialTokens().stream().limit(64).toList());
    String attack = "a" + all + "b\n" + all.replace(" ", "") + "c";
    for (List<ChatMessage> messages : conversations(published)) {
      List<ChatMessage> harmless = new ArrayList<>();
      List<ChatMessage> harmful = new ArrayList<>();
      for (ChatMessage message : messages) {
        harmless.add(new ChatMessage(message.role(), "a b"));
        harmful.add(new ChatMessage(message.role(), attack));
      }
      int[] expected = controlTokens(encoder, harmless, tokenizer);
      assertThat(controlTokens(encoder, harmful, tokenizer))
          .as("%s: %s", published, messages)
          .isEqualTo(expected);
    }
  }

  private static int[] controlTokens(
      PromptEncoder encoder, List<ChatMessage> messages, Tokenizer tokenizer) {
    Set<Integer> control = new LinkedHashSet<>();
    tokenizer.specialTokens().forEach(token -> control.add(tokenizer.idOf(token)));
    int[] ids = encoder.encode(new Prompt.Messages(messages));
    return Arrays.stream(ids).filter(control::contains).toArray();
  }
}
