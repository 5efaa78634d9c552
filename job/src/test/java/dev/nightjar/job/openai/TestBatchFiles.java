package dev.nightjar.job.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.job.BatchInferenceJob;
import dev.nightjar.job.JobFlags;
import dev.nightjar.job.TinyRuns;
import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Batch files of OpenAI's API through the job. */
class TestBatchFiles {
  private static final JsonMapper JSON = new JsonMapper();
  private static final PrintStream SILENT =
      new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);

  /** Midnight of the run's date below. */
  private static final long CREATED = 1_769_817_600;

  @TempDir private static Path shared;
  private static Path model;
  private static SparkSession spark;

  @TempDir private Path folder;

  @BeforeAll
  static void open() throws IOException {
    model = TinyRuns.model(shared.resolve("model"));
    spark = TinyRuns.session("local[2]");
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  private static String chat(String id, String user, String more) {
    return line(
        id,
        "/v1/chat/completions",
        "\"model\": \"gpt\", \"messages\": [{\"role\": \"user\", \"content\": \"%s\"}]%s"
            .formatted(user, more));
  }

  private static String line(String id, String url, String body) {
    return "{\"custom_id\": \"%s\", \"method\": \"POST\", \"url\": \"%s\", \"body\": {%s}}"
        .formatted(id, url, body);
  }

  private Map<String, String> arguments(Path input, Path output, String... more) {
    Map<String, String> arguments = new LinkedHashMap<>();
    arguments.put("model", model.toString());
    arguments.put("input.path", input.toString());
    arguments.put("input.format", "openai-batch");
    arguments.put("output.path", output.toString());
    arguments.put("output.format", "openai-batch");
    arguments.put("sampling.max-tokens", "6");
    arguments.put("run.rows-per-task", "3");
    arguments.put("run.date", "2026-01-31");
    arguments.put("errors.max-error-rate", "1");
    arguments.put("engine.prefix-cache", "0");
    arguments.put("engine.packed-cache", "off");
    for (int i = 0; i < more.length; i += 2) {
      arguments.put(more[i], more[i + 1]);
    }
    return arguments;
  }

  private static BatchInferenceJob.Outcome run(Map<String, String> arguments) {
    return new BatchInferenceJob(spark, JobFlags.config(Optional.empty(), arguments), SILENT).run();
  }

  private Path input(String... lines) throws IOException {
    return Files.write(folder.resolve("batch.jsonl"), List.of(lines));
  }

  private static List<JsonNode> read(Path file) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      lines.add(JSON.readTree(line));
    }
    return lines;
  }

  /** Names and types of the fields, in order. */
  private static List<String> shape(JsonNode node) {
    List<String> fields = new ArrayList<>();
    node.properties()
        .forEach(field -> fields.add(field.getKey() + " " + field.getValue().getNodeType()));
    return fields;
  }

  @Test
  void chatsHaveTheDocumentedFields() throws IOException {
    Path out = folder.resolve("out");
    run(
        arguments(
            input(
                chat("plain", "hello", ""),
                chat(
                    "probabilities",
                    "hello",
                    ", \"logprobs\": true, \"top_logprobs\": 2, \"max_tokens\": 3")),
            out));
    List<JsonNode> lines = read(out.resolve("output.jsonl"));
    assertThat(lines)
        .extracting(line -> line.path("custom_id").asText())
        .containsExactly("plain", "probabilities");
    for (JsonNode line : lines) {
      assertThat(shape(line))
          .containsExactly("id STRING", "custom_id STRING", "response OBJECT", "error NULL");
      JsonNode response = line.path("response");
      assertThat(shape(response))
          .containsExactly("status_code NUMBER", "request_id STRING", "body OBJECT");
      assertThat(response.path("status_code").asInt()).isEqualTo(200);
      JsonNode body = response.path("body");
      assertThat(shape(body))
          .containsExactly(
              "id STRING",
              "object STRING",
              "created NUMBER",
              "model STRING",
              "choices ARRAY",
              "usage OBJECT",
              "system_fingerprint STRING");
      assertThat(body.path("id").asText()).startsWith("chatcmpl-");
      assertThat(body.path("object").asText()).isEqualTo("chat.completion");
      assertThat(body.path("created").asLong()).isEqualTo(CREATED);
      assertThat(body.path("choices")).hasSize(1);
      JsonNode choice = body.path("choices").path(0);
      assertThat(shape(choice)).first().isEqualTo("index NUMBER");
      assertThat(shape(choice.path("message")))
          .containsExactly("role STRING", "content STRING", "refusal NULL");
      assertThat(choice.path("message").path("role").asText()).isEqualTo("assistant");
      assertThat(choice.path("finish_reason").asText()).isIn("stop", "length");
      JsonNode usage = body.path("usage");
      assertThat(shape(usage))
          .containsExactly(
              "prompt_tokens NUMBER",
              "completion_tokens NUMBER",
              "total_tokens NUMBER",
              "prompt_tokens_details OBJECT");
      assertThat(shape(usage.path("prompt_tokens_details")))
          .containsExactly("cached_tokens NUMBER");
      assertThat(usage.path("total_tokens").asInt())
          .isEqualTo(usage.path("prompt_tokens").asInt() + usage.path("completion_tokens").asInt());
    }
    assertThat(choice(lines, 0).path("logprobs").isNull()).isTrue();
    JsonNode logprobs = choice(lines, 1).path("logprobs");
    assertThat(shape(logprobs)).containsExactly("content ARRAY", "refusal NULL");
    assertThat(logprobs.path("content")).hasSizeBetween(1, 3);
    for (JsonNode token : logprobs.path("content")) {
      assertThat(shape(token)).contains("token STRING", "logprob NUMBER", "top_logprobs ARRAY");
      assertThat(token.path("logprob").asDouble()).isNegative();
      assertThat(token.path("top_logprobs")).hasSize(2);
    }
    assertThat(usage(lines, 1).path("completion_tokens").asInt()).isBetween(1, 3);
    assertThat(usage(lines, 0).path("completion_tokens").asInt()).isGreaterThan(3);
  }

  private static JsonNode choice(List<JsonNode> lines, int line) {
    return lines.get(line).path("response").path("body").path("choices").path(0);
  }

  private static JsonNode usage(List<JsonNode> lines, int line) {
    return lines.get(line).path("response").path("body").path("usage");
  }

  @Test
  void completionsAndEmbeddingsHaveTheDocumentedFields() throws IOException {
    Path out = folder.resolve("out");
    run(
        arguments(
            input(
                line("text", "/v1/completions", "\"prompt\": \"hello\", \"logprobs\": 1"),
                line("ids", "/v1/completions", "\"prompt\": [104, 101, 108, 108, 111]"),
                line("vector", "/v1/embeddings", "\"input\": \"hello\"")),
            out));
    List<JsonNode> lines = read(out.resolve("output.jsonl"));
    JsonNode text = choice(lines, 0);
    assertThat(shape(text))
        .containsExactly("index NUMBER", "text STRING", "logprobs OBJECT", "finish_reason STRING");
    assertThat(shape(text.path("logprobs")))
        .containsExactly(
            "tokens ARRAY", "token_logprobs ARRAY", "top_logprobs ARRAY", "text_offset ARRAY");
    assertThat(text.path("logprobs").path("text_offset").path(0).asInt()).isZero();
    assertThat(lines.getFirst().path("response").path("body").path("object").asText())
        .isEqualTo("text_completion");
    assertThat(choice(lines, 1).path("text").asText())
        .as("the bytes of the text are its tokens")
        .isEqualTo(text.path("text").asText());
    JsonNode vector = lines.get(2).path("response").path("body");
    assertThat(shape(vector))
        .containsExactly("object STRING", "data ARRAY", "model STRING", "usage OBJECT");
    assertThat(shape(vector.path("data").path(0)))
        .containsExactly("object STRING", "index NUMBER", "embedding ARRAY");
    double squares = 0;
    for (JsonNode value : vector.path("data").path(0).path("embedding")) {
      squares += value.asDouble() * value.asDouble();
    }
    assertThat(squares).isCloseTo(1, org.assertj.core.api.Assertions.within(1e-5));
    assertThat(shape(vector.path("usage")))
        .containsExactly("prompt_tokens NUMBER", "total_tokens NUMBER");
  }

  @Test
  void everyLineHasItsAnswerOrItsError() throws IOException {
    Path out = folder.resolve("out");
    String good = chat("good", "hello", "");
    Path input =
        input(
            "\uFEFF" + good,
            "",
            "not json",
            "   ",
            chat("penalty", "x", ", \"presence_penalty\": 1"),
            good,
            "not json",
            chat("long", "x".repeat(500), ""),
            chat(
                "schema",
                "x",
                ", \"response_format\": {\"type\": \"json_schema\","
                    + " \"json_schema\": {\"name\": \"n\", \"schema\": {\"type\": 5}}}"),
            line("ids", "/v1/completions", "\"prompt\": [9999]"),
            "{\"custom_id\": 7}",
            chat("last", "bye", ""));
    BatchInferenceJob.Outcome outcome = run(arguments(input, out));
    assertThat(outcome.summary().rowsIn()).isEqualTo(10);
    assertThat(outcome.summary().rowsOk()).isEqualTo(2);
    assertThat(read(out.resolve("output.jsonl")))
        .extracting(line -> line.path("custom_id").asText())
        .containsExactly("good", "last");
    List<JsonNode> errors = read(out.resolve("errors.jsonl"));
    assertThat(errors)
        .extracting(line -> line.path("custom_id").asText())
        .containsExactly("null", "penalty", "good", "null", "long", "schema", "ids", "null");
    assertThat(errors).extracting(line -> line.path("id").asText()).doesNotHaveDuplicates();
    for (JsonNode line : errors) {
      assertThat(shape(line)).startsWith("id STRING").endsWith("response OBJECT", "error NULL");
      assertThat(line.path("response").path("status_code").asInt()).isEqualTo(400);
      assertThat(shape(line.path("response").path("body").path("error")))
          .containsExactly("message STRING", "type STRING", "param NULL", "code STRING");
    }
    assertThat(errors)
        .extracting(line -> error(line).path("message").asText())
        .satisfiesExactly(
            first -> assertThat(first).startsWith("line 3: the line is not JSON"),
            penalty -> assertThat(penalty).startsWith("body.presence_penalty is 1"),
            second ->
                assertThat(second)
                    .isEqualTo(
                        "custom_id is that of line 1 already, expected a name of its own for each"
                            + " line"),
            again -> assertThat(again).startsWith("line 7: the line is not JSON"),
            tooLong -> assertThat(tooLong).contains("the context window is 256"),
            schema -> assertThat(schema).contains("schema"),
            ids -> assertThat(ids).contains("token id 9999"),
            number -> assertThat(number).startsWith("line 11: custom_id is 7, expected a string"));
    assertThat(error(errors.get(4)).path("code").asText()).isEqualTo("context_length_exceeded");
  }

  private static JsonNode error(JsonNode line) {
    return line.path("response").path("body").path("error");
  }

  @Test
  void bytesDoNotDependOnHowTheRunIsCut() throws IOException {
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      String sampling = i % 2 == 0 ? "" : ", \"temperature\": 1, \"seed\": " + i;
      lines.add(chat("row-" + i, "row " + i / 4, sampling + ", \"max_tokens\": " + (1 + i % 5)));
    }
    Path input = input(lines.toArray(new String[0]));
    Path first = folder.resolve("first");
    run(arguments(input, first));
    Path second = folder.resolve("second");
    String[] cut = {"run.rows-per-chunk", "4", "run.rows-per-task", "2", "engine.batch-size", "1"};
    List<String> some = new ArrayList<>(List.of(cut));
    some.addAll(List.of("run.stop-after", "1s", "input.limit", "7"));
    run(arguments(input, second, some.toArray(new String[0])));
    run(arguments(input, second, cut));
    for (String name : List.of("output.jsonl", "errors.jsonl")) {
      assertThat(second.resolve(name)).hasSameTextualContentAs(first.resolve(name));
    }
    assertThat(read(first.resolve("output.jsonl"))).hasSize(20);
    assertThat(run(arguments(input, second)).summary().rowsRun()).isZero();
    assertThat(second.resolve("output.jsonl"))
        .hasSameTextualContentAs(first.resolve("output.jsonl"));
  }

  @Test
  void aLineThatWasMendedRunsWhenErrorsAreRetried() throws IOException {
    Path out = folder.resolve("out");
    run(arguments(input(chat("a", "x", ""), chat("b", "y", ", \"n\": 5")), out));
    Path mended = input(chat("a", "x", ""), chat("b", "y", ", \"n\": 1"), chat("c", "z", ""));
    assertThatThrownBy(() -> run(arguments(mended, out)))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("1 lines of the batch")
        .hasMessageContaining("line 2 ('b')")
        .hasMessageContaining("--retry-errors all");
    BatchInferenceJob.Outcome outcome =
        run(arguments(mended, out, "run.retry-errors", "all", "run.id", "again"));
    assertThat(outcome.summary().rowsRun()).isEqualTo(2);
    assertThat(read(out.resolve("output.jsonl")))
        .extracting(line -> line.path("custom_id").asText())
        .containsExactly("a", "b", "c");
    assertThat(out.resolve("errors.jsonl")).isEmptyFile();
  }

  @Test
  void keysThatDoNotGoWithABatchAreTold() throws IOException {
    Path input = input(chat("a", "x", ""));
    assertThatThrownBy(() -> run(arguments(input, folder, "prompt.column", "body")))
        .hasMessageContaining("input.format is openai-batch")
        .hasMessageContaining("prompt.column");
    Map<String, String> rows = arguments(input, folder, "input.format", "json");
    rows.put("prompt.column", "body");
    assertThatThrownBy(() -> run(rows))
        .hasMessageContaining("output.format is openai-batch, expected input.format openai-batch");
  }
}
