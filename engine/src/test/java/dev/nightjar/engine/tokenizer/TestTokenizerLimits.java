package dev.nightjar.engine.tokenizer;

import static dev.nightjar.engine.tokenizer.SmallTokenizers.SPECIALS;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.byteLevel;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.node;
import static dev.nightjar.engine.tokenizer.SmallTokenizers.withAdded;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Long texts and texts made to hurt. */
class TestTokenizerLimits {
  private static final int LARGE = 10_000_000;

  private static Tokenizer tokenizer(ObjectNode json) {
    return Tokenizers.fromJson(json, MissingNode.getInstance());
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", " ", "\n", "the quick brown fox. ", "é中🙂'ſ<|im_start|>"})
  void tenMegabytesOfByteLevelText(String part) {
    Tokenizer tokenizer =
        tokenizer(withAdded(byteLevel(SmallTokenizers.LLAMA3_REGEX), "s", SPECIALS));
    String text = part.repeat(LARGE / part.length());
    int[] ids = tokenizer.encode(text);
    int bytes = 0;
    for (int id : ids) {
      bytes += tokenizer.tokenBytes(id, false).length;
    }
    assertThat(bytes).isEqualTo(text.getBytes(StandardCharsets.UTF_8).length);
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "the quick brown fox. "})
  void tenMegabytesOfPieces(String part) {
    Tokenizer tokenizer = tokenizer(TestAgainstHuggingFace.Shape.LLAMA2.json());
    String text = part.repeat(LARGE / part.length());
    int[] ids = tokenizer.encode(text);
    int bytes = 0;
    for (int id : ids) {
      bytes += tokenizer.tokenBytes(id, bytes == 0).length;
    }
    assertThat(bytes).isEqualTo(text.length());
  }

  @Test
  void longAndShortWordsMergeAlike() {
    Tokenizer tokenizer = tokenizer(byteLevel("[^|]+"));
    RandomText texts = new RandomText(new SplittableRandom(4), List.of());
    for (int i = 0; i < 300; i++) {
      StringBuilder text = new StringBuilder(texts.next().replace("|", ""));
      int[] alone = tokenizer.encode(text.toString());
      // A run of a character without merges in front makes the word long, but merges nothing.
      String longer = "\u0001".repeat(64) + text;
      int[] padded = tokenizer.encode(longer);
      if (!text.isEmpty() && text.charAt(0) != '\u0001') {
        assertThat(Arrays.copyOfRange(padded, 64, padded.length))
            .as(text.toString())
            .isEqualTo(alone);
      }
    }
  }

  @Test
  void expressionsThatBacktrackWithoutEndAreStopped() {
    Tokenizer exponential = tokenizer(byteLevel("(a|aa|a?)+$b"));
    assertFault(exponential, "a".repeat(5_000), "regular expression");
    Tokenizer deep = tokenizer(byteLevel("(?:a|b)+c"));
    assertFault(deep, "ab".repeat(2_000_000), "regular expression");
  }

  @Test
  void endlessRunsOfMarksAreRefused() {
    ObjectNode json = byteLevel(SmallTokenizers.QWEN2_REGEX);
    json.set("normalizer", node("{`type`:`NFC`}"));
    assertFault(tokenizer(json), "a" + "\u0316\u0301".repeat(1_000_000), "combining marks");
  }

  private static void assertFault(Tokenizer tokenizer, String text, String message) {
    assertThatThrownBy(() -> tokenizer.encode(text))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.INVALID_PROMPT);
              assertThat(e.getMessage()).contains(message);
            });
  }
}
