package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.SamplingParams;
import java.time.LocalDate;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.junit.jupiter.api.Test;
import scala.jdk.javaapi.CollectionConverters;

class TestPromptReader {
  private static final StructType SCHEMA =
      StructType.fromDDL(
          "id INT, body STRING, person STRUCT<name: STRING, tags: ARRAY<STRING>>,"
              + " messages ARRAY<STRUCT<content: STRING, extra: INT, role: STRING>>, `a.b` STRING");

  @Test
  void textColumnIsRawOrAUserMessage() {
    assertThat(read(new PromptSource.RawText("body"), row(1, "hi")))
        .isEqualTo(new Prompt.Text("hi"));
    assertThat(read(new PromptSource.UserMessage("BODY", null), row(1, "hi")))
        .isEqualTo(new Prompt.Messages(List.of(new ChatMessage("user", "hi"))));
    assertThat(read(new PromptSource.UserMessage("body", "be kind"), row(1, "hi")))
        .isEqualTo(
            new Prompt.Messages(
                List.of(new ChatMessage("system", "be kind"), new ChatMessage("user", "hi"))));
  }

  @Test
  void nullPromptIsMissing() {
    assertThat(read(new PromptSource.RawText("body"), row(1, null)))
        .isEqualTo(new Prompt.Missing());
    assertThat(read(new PromptSource.Conversation("messages"), row(1, null)))
        .isEqualTo(new Prompt.Missing());
    assertThat(read(filled("{{body}}{{person.name}}"), row(1, null)))
        .isEqualTo(new Prompt.Missing());
  }

  @Test
  void conversationIsReadByFieldNames() {
    Row row = conversation(message("be kind", "system"), message("hi", "user"));
    assertThat(read(new PromptSource.Conversation("messages"), row))
        .isEqualTo(
            new Prompt.Messages(
                List.of(new ChatMessage("system", "be kind"), new ChatMessage("user", "hi"))));
  }

  @Test
  void brokenConversationIsARowError() {
    assertInvalid(read(new PromptSource.Conversation("messages"), conversation()), "empty array");
    assertInvalid(
        read(new PromptSource.Conversation("messages"), conversation(message("a", "user"), null)),
        "message 1: role or content is null");
    assertInvalid(
        read(new PromptSource.Conversation("messages"), conversation(message("a", null))),
        "message 0: role or content is null");
  }

  @Test
  void templateTakesNestedAndDottedColumnsAndLeavesNullsOut() {
    Row person = RowFactory.create("Ann", null);
    assertThat(
            read(
                filled("{{id}}: {{body}} by {{person.name}} ({{a.b}})"),
                RowFactory.create(7, "hi", person, null, null)))
        .isEqualTo(new Prompt.Text("7: hi by Ann ()"));
    assertThat(read(filled("{{id}} {{person.name}}"), row(7, "x")))
        .isEqualTo(new Prompt.Text("7 "));
  }

  @Test
  void overlongPromptIsARowError() {
    Prompt prompt = bind(new PromptSource.RawText("body"), 3).read(row(1, "four"));
    assertInvalid(prompt, "the prompt has 4 characters, expected at most 3");
    Prompt messages =
        bind(new PromptSource.Conversation("messages"), 3)
            .read(conversation(message("ab", "user"), message("cd", "user")));
    assertInvalid(messages, "the prompt has 4 characters");
  }

  @Test
  void wrongColumnsAreToldBeforeTheRun() {
    assertBindFails(new PromptSource.RawText("bod"), "column 'bod' is not in the input", "'body'");
    assertBindFails(new PromptSource.RawText("id"), "has type int, expected string", "cast");
    assertBindFails(new PromptSource.Conversation("body"), "has type string", "from_json");
    assertBindFails(new PromptSource.Conversation("person"), "expected array<struct<role", "");
    assertBindFails(filled("{{person}}"), "column 'person' has type struct", "to_json");
    assertBindFails(filled("{{person.nam}}"), "column 'person.nam' is not in the input", "");
    assertBindFails(filled("{{id.x}}"), "column 'id.x' is not in the input", "");
  }

  private static void assertBindFails(PromptSource source, String part, String advice) {
    assertThatThrownBy(() -> bind(source, 100))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(part)
        .hasMessageContaining(advice);
  }

  private static void assertInvalid(Prompt prompt, String part) {
    assertThat(prompt)
        .isInstanceOfSatisfying(
            Prompt.Invalid.class,
            invalid -> {
              assertThat(invalid.error().code()).isEqualTo(ErrorCode.INVALID_PROMPT);
              assertThat(invalid.error().message()).contains(part);
            });
  }

  private static Prompt read(PromptSource source, Row row) {
    return bind(source, 100).read(row);
  }

  private static PromptReader bind(PromptSource source, int maxChars) {
    InferenceOptions options =
        new InferenceOptions(
            "model",
            EngineConfig.DEFAULT,
            SamplingParams.greedy(8),
            source,
            null,
            maxChars,
            ErrorMode.PERMISSIVE,
            "run",
            LocalDate.EPOCH);
    return PromptReader.bind(options, SCHEMA);
  }

  private static PromptSource filled(String template) {
    return new PromptSource.Filled(PromptTemplate.parse(template), PromptSource.Shape.RAW, null);
  }

  private static Row row(Integer id, String body) {
    return RowFactory.create(id, body, null, null, null);
  }

  private static Row message(String content, String role) {
    return RowFactory.create(content, 1, role);
  }

  private static Row conversation(Row... messages) {
    return RowFactory.create(
        1,
        "x",
        null,
        CollectionConverters.asScala(new ArrayList<>(Arrays.asList(messages))).toSeq(),
        null);
  }
}
