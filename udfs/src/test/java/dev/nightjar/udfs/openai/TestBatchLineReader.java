package dev.nightjar.udfs.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.ResponseFormat;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class TestBatchLineReader {
  private static final SamplingParams DEFAULTS =
      new SamplingParams(77, 0.5f, 3, 0.9f, 0.1f, 1.1f, 5, List.of("END"), -1);

  private static final String USER = "\"messages\": [{\"role\": \"user\", \"content\": \"hi\"}]";

  private final BatchLineReader reader = new BatchLineReader(DEFAULTS);

  @Test
  void whatABodyLeavesOutIsTheRuns() {
    BatchLine line = chat(USER);
    assertThat(line.customId()).isEqualTo("a");
    assertThat(line.endpoint()).isEqualTo(Endpoint.CHAT);
    assertThat(line.prompt())
        .isEqualTo(new Prompt.Messages(List.of(new ChatMessage("user", "hi"))));
    assertThat(line.task()).isEqualTo(new Task.Generate(DEFAULTS));
    assertThat(chat(USER + ", \"temperature\": null, \"stop\": null").task())
        .isEqualTo(new Task.Generate(DEFAULTS));
  }

  @Test
  void everyFieldOfSamplingIsItsOwn() {
    BatchLine line =
        chat(
            USER
                + """
                , "max_completion_tokens": 9, "temperature": 0.25, "top_k": 4, "top_p": 0.5,
                "min_p": 0.2, "repetition_penalty": 1.5, "seed": 12345678901, "stop": ["x", "y"],
                "logprobs": true, "top_logprobs": 2, "response_format": {"type": "json_object"}
                """);
    assertThat(line.task())
        .isEqualTo(
            new Task.Generate(
                new SamplingParams(
                    9,
                    0.25f,
                    4,
                    0.5f,
                    0.2f,
                    1.5f,
                    12345678901L,
                    List.of("x", "y"),
                    2,
                    new ResponseFormat.JsonObject())));
    assertThat(sampling("\"max_tokens\": 8, \"max_completion_tokens\": 8").maxTokens())
        .isEqualTo(8);
    assertThat(sampling("\"stop\": \"z\"").stop()).containsExactly("z");
    assertThat(sampling("\"logprobs\": true").logprobs()).isZero();
    assertThat(sampling("\"logprobs\": false").logprobs()).isEqualTo(-1);
    assertThat(sampling("\"response_format\": {\"type\": \"text\"}").format())
        .isEqualTo(ResponseFormat.TEXT);
    assertThat(
            sampling(
                    """
                    "response_format": {"type": "json_schema", "json_schema":
                      {"name": "n", "strict": true, "schema": {"type": "integer"}}}\
                    """)
                .format())
        .isEqualTo(new ResponseFormat.JsonSchema("{\"type\":\"integer\"}"));
  }

  private SamplingParams sampling(String fields) {
    BatchLine line = chat(USER + ", " + fields);
    assertThat(line.prompt()).isInstanceOf(Prompt.Messages.class);
    return ((Task.Generate) line.task()).sampling();
  }

  @Test
  void fieldsThatChangeNothingMayBeThere() {
    BatchLine line =
        chat(
            USER
                + """
                , "model": "gpt-4o-mini", "user": "u", "metadata": {"a": "b"}, "store": true,
                "service_tier": "auto", "n": 1, "frequency_penalty": 0.0, "presence_penalty": 0,
                "logit_bias": {}, "tools": [], "stream": false, "modalities": ["text"]
                """);
    assertThat(line.prompt()).isInstanceOf(Prompt.Messages.class);
  }

  @Test
  void contentMayBePartsOfText() {
    BatchLine line =
        chat(
            """
            "messages": [
              {"role": "developer", "content": [
                {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
              {"role": "assistant", "content": "", "refusal": null}]\
            """);
    assertThat(line.prompt())
        .isEqualTo(
            new Prompt.Messages(
                List.of(new ChatMessage("system", "a\nb"), new ChatMessage("assistant", ""))));
  }

  @Test
  void completionsAndEmbeddingsTakeOneTextOrItsTokens() {
    for (String text : List.of("\"x\"", "[\"x\"]")) {
      assertThat(line("/v1/completions", "\"prompt\": " + text).prompt())
          .isEqualTo(new Prompt.Text("x"));
      BatchLine vector = line("/v1/embeddings", "\"input\": " + text);
      assertThat(vector.prompt()).isEqualTo(new Prompt.Text("x"));
      assertThat(vector.task()).isEqualTo(new Task.Embed(Task.Pooling.MEAN, true));
    }
    for (String ids : List.of("[5, 6]", "[[5, 6]]")) {
      assertThat(line("/v1/completions", "\"prompt\": " + ids).prompt())
          .isEqualTo(new Prompt.TokenIds(List.of(5, 6)));
    }
    BatchLine line = line("/v1/completions", "\"prompt\": \"x\", \"logprobs\": 3");
    assertThat(((Task.Generate) line.task()).sampling().logprobs()).isEqualTo(3);
  }

  /** Fields of a chat's body that are refused, and what the refusal says. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"tools\": [{}] | body.tools is an array, expected []",
        "\"n\": 2 | body.n is 2, expected 1",
        "\"stream\": true | body.stream is true, expected false",
        "\"frequency_penalty\": 0.5 | body.frequency_penalty is 0.5, expected 0",
        "\"reasoning_effort\": \"low\" | body.reasoning_effort is not supported; leave it out",
        "\"functions\": [] | body.functions is not supported",
        "\"max_tokens\": \"9\" | body.max_tokens is \"9\", expected a whole number",
        "\"max_tokens\": 1.5 | body.max_tokens is 1.5, expected a whole number",
        "\"max_tokens\": 99999999999 | expected a whole number below 2^31",
        "\"max_tokens\": 0 | max-tokens is 0, expected at least 1",
        "\"max_tokens\": 1, \"max_completion_tokens\": 2 | give one of them",
        "\"temperature\": \"hot\" | body.temperature is \"hot\", expected a number",
        "\"temperature\": -1 | temperature is -1.0, expected in [0, 100]",
        "\"temperature\": 1e300 | temperature is Infinity, expected in [0, 100]",
        "\"top_p\": 0 | top-p is 0.0, expected in (0, 1]",
        "\"seed\": 1e30 | body.seed is 1.0E30, expected a whole number",
        "\"stop\": [1] | body.stop is an array, expected a string",
        "\"stop\": {\"a\": 1} | body.stop is an object, expected a string",
        "\"stop\": \"\" | stop is an empty string",
        "\"logprobs\": 1 | body.logprobs is 1, expected true or false",
        "\"logprobs\": true, \"top_logprobs\": 21 | logprobs is 21, expected in [-1, 20]",
        "\"top_logprobs\": 2 | body.top_logprobs is given without body.logprobs true",
        "\"response_format\": \"json\" | body.response_format is \"json\", expected an object",
        "\"response_format\": {} | body.response_format.type is missing",
        "\"response_format\": {\"type\": \"xml\"} | body.response_format.type is \"xml\"",
        "\"response_format\": {\"type\": \"json_schema\"} | json_schema is missing",
        "\"response_format\": {\"type\": \"text\", \"x\": 1} | body.response_format.x is not",
      })
  void whatIsNotSupportedIsRefusedByName(String fields, String message) {
    assertInvalid(chat(USER + ", " + fields), message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`` | body.messages is missing, expected an array of messages",
        "\"messages\": [] | body.messages is an array, expected an array of one message or more",
        "\"messages\": \"hi\" | body.messages is \"hi\", expected an array",
        "\"messages\": [\"hi\"] | body.messages[0] is not an object",
        "\"messages\": [{\"content\": \"x\"}] | body.messages[0].role is missing",
        "\"messages\": [{\"role\": \"tool\", \"content\": \"x\"}] | role is \"tool\", expected",
        "\"messages\": [{\"role\": \"user\"}] | body.messages[0].content is missing",
        "\"messages\": [{\"role\": \"user\", \"content\": 5}] | body.messages[0].content is 5",
        "\"messages\": [{\"role\": \"user\", \"content\": []}] | content is an array, expected",
        "\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]"
            + " | body.messages[0].content[0].type is \"image_url\", expected text",
        "\"messages\": [{\"role\": \"assistant\", \"content\": \"\", \"tool_calls\": [{}]}]"
            + " | body.messages[0].tool_calls is not supported",
      })
  void brokenMessagesAreRefusedByName(String fields, String message) {
    assertInvalid(chat(fields), message);
  }

  @Test
  void severalTextsInOneLineAreRefused() {
    assertInvalid(
        line("/v1/completions", "\"prompt\": [\"a\", \"b\"]"),
        "body.prompt has 2 texts, expected one; give each its own line");
    assertInvalid(line("/v1/embeddings", "\"input\": [1, 2.5]"), "body.input[1] is not a token id");
    assertInvalid(line("/v1/embeddings", "\"input\": \"\", \"dimensions\": 8"), "body.dimensions");
    assertInvalid(
        line("/v1/embeddings", "\"input\": \"a\", \"encoding_format\": \"base64\""),
        "body.encoding_format is \"base64\", expected \"float\"");
    assertInvalid(line("/v1/completions", "\"prompt\": \"a\", \"echo\": true"), "body.echo");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "nonsense",
        "{",
        "{\"custom_id\": \"a\", \"custom_id\": \"a\"}",
        "{\"custom_id\": \"a\"} {}",
        "[]",
        "null",
        "5",
        "{}",
        "{\"custom_id\": 5, \"url\": \"/v1/completions\", \"body\": {\"prompt\": \"x\"}}",
        "{\"custom_id\": \"\", \"url\": \"/v1/completions\", \"body\": {\"prompt\": \"x\"}}",
      })
  void linesWithoutANameHaveNone(String text) {
    BatchLine line = reader.read(text);
    assertThat(line.customId()).isNull();
    assertThat(line.prompt()).isInstanceOf(Prompt.Invalid.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"method\": \"GET\" | method is \"GET\", expected POST",
        "\"method\": 5 | method is 5, expected a string",
        "\"url\": \"/v1/responses\" | url is \"/v1/responses\", expected one of [/v1/chat/compl",
        "\"method\": \"POST\" | url is missing",
        "\"url\": \"/v1/completions\" | body is missing, expected an object",
        "\"url\": \"/v1/completions\", \"body\": [] | body is an array, expected an object",
        "\"url\": \"/v1/completions\", \"body\": {}, \"x\": 1 | x is not supported",
      })
  void brokenLinesKeepTheirNames(String fields, String message) {
    BatchLine line = reader.read("{\"custom_id\": \"a\", " + fields + "}");
    assertThat(line.customId()).isEqualTo("a");
    assertInvalid(line, message);
  }

  @Test
  void depthAndLengthOfALineDoNoHarm() {
    String deep = "[".repeat(100_000) + "]".repeat(100_000);
    assertInvalid(chat("\"messages\": " + deep), "the line is not JSON");
    String name = "x".repeat(40_000);
    Prompt.Invalid refused = (Prompt.Invalid) chat(USER + ", \"" + name + "\": 1").prompt();
    assertThat(refused.error().message()).hasSizeLessThan(1000).startsWith("body.xxx");
  }

  private BatchLine chat(String body) {
    return line("/v1/chat/completions", body);
  }

  private BatchLine line(String url, String body) {
    return reader.read(
        "{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \""
            + url
            + "\", \"body\": {"
            + body
            + "}}");
  }

  private static void assertInvalid(BatchLine line, String message) {
    assertThat(line.prompt())
        .isInstanceOfSatisfying(
            Prompt.Invalid.class,
            invalid -> assertThat(invalid.error().message()).contains(message));
  }
}
