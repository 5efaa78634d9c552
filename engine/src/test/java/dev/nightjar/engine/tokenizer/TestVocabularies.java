package dev.nightjar.engine.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.Prompt;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Compares real vocabularies with Hugging Face's library. Runs if the system property {@code
 * nightjar.test.vocabularies} names a folder; every tokenizer.json below it is tried.
 */
class TestVocabularies {
  private static final String PROPERTY = "nightjar.test.vocabularies";
  private static final int NUM_TEXTS = 2_000;

  @TempDir static Path cache;

  @Test
  void everyVocabularyEncodesAndDecodesAsHuggingFace() throws IOException {
    for (Path file : files()) {
      JsonNode description = new ObjectMapper().readTree(file.toFile());
      Path config = file.resolveSibling("tokenizer_config.json");
      JsonNode settings =
          Files.exists(config)
              ? new ObjectMapper().readTree(config.toFile())
              : MissingNode.getInstance();
      Tokenizer ours = Tokenizers.fromJson(description, settings);
      List<String> added = new ArrayList<>();
      description.path("added_tokens").forEach(t -> added.add(t.path("content").asText()));
      RandomText texts = new RandomText(new SplittableRandom(42), added);
      try (Oracle oracle = Oracle.of(file, cache)) {
        for (int i = 0; i < NUM_TEXTS; i++) {
          String text = texts.next();
          int[] expected = oracle.encode(text);
          assertThat(ours.encodeWithSpecialTokens(text))
              .as("%s, text %d: %s", file, i, text)
              .isEqualTo(expected);
          assertThat(decode(ours, expected))
              .as("decoded by %s, text %d: %s", file, i, text)
              .isEqualTo(oracle.decode(expected));
        }
      }
    }
  }

  @Test
  void everyChatTemplateIsTokenisedAsHuggingFaceDoes() throws IOException {
    for (Path file : files()) {
      Path config = file.resolveSibling("tokenizer_config.json");
      JsonNode settings =
          Files.exists(config) ? new ObjectMapper().readTree(config.toFile()) : null;
      if (settings == null || !settings.path("chat_template").isTextual()) {
        continue;
      }
      ChatTemplate template =
          ChatTemplate.of(
              settings.path("chat_template").asText(),
              settings.path("bos_token").asText(""),
              settings.path("eos_token").asText(""));
      PromptEncoder encoder =
          new PromptEncoder(
              Tokenizers.fromJson(new ObjectMapper().readTree(file.toFile()), settings),
              Optional.of(template));
      RandomText texts = new RandomText(new SplittableRandom(43), List.of());
      try (Oracle oracle = Oracle.of(file, cache)) {
        for (int i = 0; i < NUM_TEXTS / 10; i++) {
          List<ChatMessage> messages =
              List.of(
                  new ChatMessage("system", texts.next()),
                  new ChatMessage("user", texts.next()),
                  new ChatMessage("assistant", texts.next()),
                  new ChatMessage("user", texts.next()));
          String rendered = template.render(messages);
          assertThat(encoder.encode(new Prompt.Messages(messages)))
              .as("%s: %s", file, rendered)
              .isEqualTo(oracle.encode(rendered));
        }
      }
    }
  }

  private static String decode(Tokenizer tokenizer, int[] ids) {
    TextAssembler assembler = new TextAssembler(tokenizer);
    for (int id : ids) {
      assembler.add(id);
    }
    assembler.finish();
    return assembler.text();
  }

  private static List<Path> files() throws IOException {
    String folder = System.getProperty(PROPERTY, "");
    assumeTrue(!folder.isEmpty(), "skipped: -D" + PROPERTY + " names no folder of vocabularies");
    try (Stream<Path> files = Files.walk(Path.of(folder))) {
      List<Path> found =
          files.filter(f -> f.getFileName().toString().equals("tokenizer.json")).sorted().toList();
      assumeTrue(!found.isEmpty(), "skipped: there is no tokenizer.json below " + folder);
      return found;
    }
  }
}
