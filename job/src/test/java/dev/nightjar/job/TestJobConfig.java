package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.PromptSource;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class TestJobConfig {
  private static final Map<String, String> LEAST =
      Map.of("input.path", "in.jsonl", "prompt.column", "body", "output.path", "out");

  @TempDir private Path folder;

  @Test
  void defaultsAreThoseOfTheEngineAndOfGreedyDecoding() {
    JobConfig config = parse(LEAST);
    InferenceOptions inference = config.inference();
    assertThat(inference.model()).isEqualTo("embedded");
    assertThat(inference.engine()).isEqualTo(EngineConfig.DEFAULT);
    assertThat(inference.sampling()).isEqualTo(SamplingParams.greedy(256));
    assertThat(inference.prompt()).isEqualTo(new PromptSource.UserMessage("body", null));
    assertThat(inference.keyColumn()).isNull();
    assertThat(inference.maxPromptChars()).isEqualTo(InferenceOptions.DEFAULT_MAX_PROMPT_CHARS);
    assertThat(inference.errorMode()).isEqualTo(ErrorMode.PERMISSIVE);
    assertThat(inference.runId()).hasSize(36);
    assertThat(inference.runDate()).isNotNull();
    assertThat(config.input().format()).isEqualTo("json");
    assertThat(config.input().limit()).isZero();
    assertThat(config.output().format()).isEqualTo("parquet");
    assertThat(config.output().mode()).isEqualTo(ConfigKeys.OutputMode.APPEND);
    assertThat(config.rowsPerTask()).isEqualTo(256);
    assertThat(config.maxErrorRate()).isEqualTo(0.5);
    assertThat(config.progressSeconds()).isEqualTo(5);
    assertThat(config.spark()).isEmpty();
  }

  @Test
  void everyRunHasItsOwnId() {
    assertThat(parse(LEAST).inference().runId()).isNotEqualTo(parse(LEAST).inference().runId());
  }

  @Test
  void commandLineWinsOverSparkPropertiesAndThoseOverTheFile() throws IOException {
    Path file = folder.resolve("job.yaml");
    Files.writeString(
        file,
        """
        input: {path: in.csv, options: {sep: ";"}}
        prompt:
          template: "{{a}} and {{b}}"
          chat: false
        output:
          path: out
        sampling:
          max-tokens: 1
          seed: 1
          top-k: 1
          stop: ["a", "b\\n"]
        run.date: 2026-01-31
        spark: {master: "local[3]", ui: {enabled: false}}
        """);
    JobConfig config =
        JobConfig.parse(
            Optional.of(file),
            Map.of("sampling.seed", "2", "sampling.top-k", "2"),
            Map.of("sampling.top-k", "3", "engine.max-kv-bytes", "3m"));
    SamplingParams sampling = config.inference().sampling();
    assertThat(sampling.maxTokens()).isEqualTo(1);
    assertThat(sampling.seed()).isEqualTo(2);
    assertThat(sampling.topK()).isEqualTo(3);
    assertThat(sampling.stop()).containsExactly("a", "b\n");
    assertThat(config.inference().engine().maxKvBytes()).isEqualTo(3 << 20);
    assertThat(config.inference().runDate()).isEqualTo(LocalDate.of(2026, 1, 31));
    assertThat(config.inference().prompt())
        .isInstanceOfSatisfying(
            PromptSource.Filled.class,
            filled -> assertThat(filled.shape()).isEqualTo(PromptSource.Shape.RAW));
    assertThat(config.input().options()).containsEntry("sep", ";").containsEntry("header", "true");
    assertThat(config.spark())
        .isEqualTo(Map.of("spark.master", "local[3]", "spark.ui.enabled", "false"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      value = {
        "text @Text[]",
        "json-object @JsonObject[]",
        "json-schema:{\"type\":\"null\"} @JsonSchema[schema={\"type\":\"null\"}]",
        "regex:a|b:c @Regex[pattern=a|b:c]",
        "choice:[\"a\",\"b\"] @Choice[choices=[a, b]]",
      })
  void answersHaveAFormat(String text, String expected) {
    assertThat(parse(with("sampling.response-format", text)).inference().sampling().format())
        .hasToString(expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '@',
      value = {
        "xml @the response format is xml, expected text, json-object",
        "json-schema:{\"allOf\":[]} @allOf, which is not supported",
        "regex:(a)\\1 @back-references",
        "columns:a MAP<STRING, INT> @field a has the type MAP<STRING, INT>",
      })
  void formatsThatCannotBeMetAreRefused(String text, String expected) {
    assertThatThrownBy(() -> parse(with("sampling.response-format", text)))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining(expected);
  }

  @Test
  void unknownKeyNamesTheNearestOne() {
    assertThatThrownBy(() -> parse(with("sampling.max-token", "3")))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("command line: key 'sampling.max-token' is unknown")
        .hasMessageContaining("did you mean 'sampling.max-tokens'?");
  }

  @Test
  void allProblemsAreToldAtOnce() {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("sampling.temperature", "warm");
    values.put("sampling.top-p", "0");
    values.put("engine.batch-size", "0");
    values.put("errors.mode", "ignore");
    values.put("depth", "deep");
    values.put("nonsense", "1");
    assertThatThrownBy(() -> parse(values))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("8 problems")
        .hasMessageContaining("sampling.temperature is 'warm': expected a number from 0 to 100")
        .hasMessageContaining("engine.batch-size is '0': expected a whole number from 1 to 4096")
        .hasMessageContaining("errors.mode is 'ignore': expected one of [permissive, fail-fast,")
        .hasMessageContaining("depth is 'deep'")
        .hasMessageContaining("key 'nonsense' is unknown")
        .hasMessageContaining("input.path and input.query are missing")
        .hasMessageContaining("no prompt is given")
        .hasMessageContaining("output.path is missing");
  }

  @Test
  void rangesOfTheEngineAreCheckedBeforeTheRun() {
    assertThatThrownBy(() -> parse(with("sampling.top-p", "0")))
        .hasMessageContaining("sampling: top-p is 0.0, expected in (0, 1]");
  }

  @Test
  void twoPromptsAreOneTooMany() {
    assertThatThrownBy(() -> parse(with("prompt.template", "{{a}}")))
        .hasMessageContaining("more than one prompt is given");
  }

  @Test
  void aBrokenFileIsAProblemWithItsName() throws IOException {
    Path file = folder.resolve("broken.yaml");
    Files.writeString(file, "a: [1");
    assertThatThrownBy(() -> JobConfig.parse(Optional.of(file), Map.of(), LEAST))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("broken.yaml: cannot be read as YAML");
    assertThatThrownBy(
            () -> JobConfig.parse(Optional.of(folder.resolve("none.yaml")), Map.of(), LEAST))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("none.yaml");
  }

  @Test
  void formatGoesByTheNameOfTheInput() {
    assertThat(JobConfig.formatOf("a/b.jsonl.gz")).isEqualTo("json");
    assertThat(JobConfig.formatOf("b.csv")).isEqualTo("csv");
    assertThat(JobConfig.formatOf("b.txt")).isEqualTo("text");
    assertThat(JobConfig.formatOf("s3a://bucket/table")).isEqualTo("parquet");
  }

  static List<Path> samples() throws IOException {
    try (Stream<Path> files = Files.list(TestConfigurationDoc.projectRoot().resolve("conf"))) {
      return files.filter(file -> file.toString().endsWith(".yaml")).sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("samples")
  void sampleFilesAreValid(Path file) {
    JobConfig config =
        JobConfig.parse(
            Optional.of(file), Map.of(), Map.of("input.path", "in", "output.path", "out"));
    assertThat(config.inference().prompt()).isNotNull();
  }

  private static Map<String, String> with(String key, String value) {
    Map<String, String> values = new LinkedHashMap<>(LEAST);
    values.put(key, value);
    return values;
  }

  private static JobConfig parse(Map<String, String> values) {
    return JobConfig.parse(Optional.empty(), Map.of(), values);
  }
}
