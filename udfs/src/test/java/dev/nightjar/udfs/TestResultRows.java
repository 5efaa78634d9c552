package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TestResultRows {
  @ParameterizedTest
  @ValueSource(
      strings = {"{}", "[1, 2]", "{\"a\": {\"b\": [null]}}", "\"x\"", "12", "true", " {} \n"})
  void jsonIsJson(String text) {
    assertThat(AnswerRows.isJson(text)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        " ",
        "{",
        "{}{}",
        "{'a': 1}",
        "{\"a\": 1,}",
        "{\"a\": 1, \"a\": 2}",
        "NaN",
        "ham",
        "01",
        "{\"a\": \"b\nc\"}",
        "// x\n{}",
        "{\"a\": 1} and more"
      })
  void almostJsonIsNot(String text) {
    assertThat(AnswerRows.isJson(text)).isFalse();
  }

  @Test
  void absentTextIsNoJson() {
    assertThat(AnswerRows.isJson(null)).isFalse();
  }

  @Test
  void statusFollowsTheResult() {
    assertThat(ResultRows.status(GenerationResult.missing("k"))).isEqualTo("skipped_null");
    assertThat(
            ResultRows.status(
                GenerationResult.failed("k", new RowError(ErrorCode.INTERNAL, "broken"))))
        .isEqualTo("error");
  }

  @Test
  void hashesTellPromptsApart() {
    RequestHash hash = new RequestHash();
    String text = hash.ofPrompt(new Prompt.Text("ab"));
    assertThat(text).hasSize(64).isEqualTo(new RequestHash().ofPrompt(new Prompt.Text("ab")));
    assertThat(
            List.of(
                text,
                hash.ofPrompt(new Prompt.Text("abc")),
                hash.ofPrompt(messages("user", "ab")),
                hash.ofPrompt(messages("usera", "b")),
                hash.ofPrompt(new Prompt.TokenIds(List.of(1))),
                hash.ofPrompt(new Prompt.TokenIds(List.of(1, 0))),
                hash.ofPrompt(new Prompt.Missing()),
                hash.ofRequest(new Prompt.Text("ab"), "", "{}", "f"),
                hash.ofRequest(new Prompt.Text("ab"), "", "{}", "g")))
        .doesNotHaveDuplicates();
  }

  private static Prompt messages(String role, String content) {
    return new Prompt.Messages(List.of(new ChatMessage(role, content)));
  }
}
