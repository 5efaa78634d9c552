package dev.nightjar.job.calibrate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.Task;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.JobFlags;
import dev.nightjar.job.TinyRuns;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.InferenceOptions;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The whole job on a tiny model: the same bytes on one thread and on two, however it is cut. */
class TestCalibrate {
  private static final int ROWS = 16;
  private static final Task.Choose LABELS = Task.Choose.of(List.of("h", "s", "t"), "{\"label\":\"");
  private static final PrintStream SILENT =
      new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);

  @TempDir private static Path shared;
  private static Path model;
  private static Path input;
  private static SparkSession spark;

  @TempDir private Path folder;

  @BeforeAll
  static void write() throws IOException {
    model = TinyRuns.model(shared.resolve("model"));
    input = TinyRuns.input(shared, ROWS);
    spark = TinyRuns.session("local[1]");
    for (CalibrationMethod method : CalibrationMethod.values()) {
      run(method, shared.resolve(method.toString()), 1, 0.8);
    }
    spark.stop();
    spark = TinyRuns.session("local[2]");
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  private static CalibrationOptions options(
      CalibrationMethod method, Path out, int partitions, double tolerance) {
    return new CalibrationOptions(
        method,
        out,
        ROWS,
        0.5,
        tolerance,
        0.9,
        7,
        partitions,
        null,
        List.of(),
        new CalibrationOptions.Fitting(0.1, 1, List.of(), 0, 1, 256));
  }

  private static ObjectNode run(
      CalibrationMethod method, Path out, int partitions, double tolerance) throws IOException {
    JobConfig config = config(out);
    CalibrationOptions options = options(method, out, partitions, tolerance);
    return new CalibrationRun(options, inference(method, config), SILENT)
        .run(spark, JobFlags.input(spark, config).repartition(partitions));
  }

  /** Rows choose a label for the methods that are made for it. */
  private static InferenceOptions inference(CalibrationMethod method, JobConfig config) {
    boolean chooses = method == CalibrationMethod.ADAINFER || method == CalibrationMethod.READING;
    return config.inference().withChoice(chooses ? LABELS : null);
  }

  private static JobConfig config(Path out) {
    Map<String, String> arguments = new LinkedHashMap<>();
    arguments.put("model", model.toString());
    arguments.put("input.path", input.toString());
    arguments.put("input.schema", "id INT, body STRING");
    arguments.put("input.key-column", "id");
    arguments.put("prompt.column", "body");
    arguments.put("sampling.max-tokens", "4");
    arguments.put("output.path", out.toString());
    return JobFlags.config(Optional.empty(), arguments);
  }

  private static Map<String, byte[]> bytes(Path folder) throws IOException {
    Map<String, byte[]> bytes = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        bytes.put(file.getFileName().toString(), Files.readAllBytes(file));
      }
    }
    return bytes;
  }

  @ParameterizedTest
  @EnumSource(CalibrationMethod.class)
  void twoThreadsAndOtherTasksGiveTheSameBytes(CalibrationMethod method) throws IOException {
    run(method, folder.resolve("out"), 3, 0.8);
    Map<String, byte[]> here = bytes(folder.resolve("out"));
    Map<String, byte[]> there = bytes(shared.resolve(method.toString()));
    assertThat(here.keySet()).isEqualTo(there.keySet()).contains("depth.json");
    for (String file : here.keySet()) {
      assertThat(here.get(file)).as(file).isEqualTo(there.get(file));
    }
  }

  @ParameterizedTest
  @EnumSource(CalibrationMethod.class)
  void artefactSaysWhatItIsAndHowItWasTested(CalibrationMethod method) throws IOException {
    JsonNode json =
        new JsonMapper().readTree(Files.readString(shared.resolve(method + "/depth.json")));
    assertThat(json.path("version").asInt()).isEqualTo(1);
    assertThat(json.path("num_layers").asInt()).isEqualTo(4);
    assertThat(json.path("hidden_size").asInt()).isEqualTo(32);
    assertThat(json.path("model_sha256").asText()).hasSize(64);
    assertThat(json.path("calibration").path("rows").asInt()).isEqualTo(ROWS);
    assertThat(json.path("calibration").path("held_out_rows").asInt()).isEqualTo(ROWS / 2);
    assertThat(json.path("calibration").path("sample_sha256").asText()).hasSize(64);
    JsonNode tested = json.path("evidence").path("tested");
    for (JsonNode each : tested) {
      double p =
          HoeffdingBentkus.pValue(
              each.path("risk").asDouble() * each.path("rows").asInt(),
              each.path("rows").asInt(),
              0.8);
      assertThat(each.path("p_value").asDouble())
          .isCloseTo(p, org.assertj.core.data.Offset.offset(1e-9));
      assertThat(each.path("passed").asBoolean()).isEqualTo(p <= 1 - 0.9);
    }
  }

  @Test
  void theEngineRunsEveryArtefact() throws IOException {
    for (CalibrationMethod method : CalibrationMethod.values()) {
      Path artefact = shared.resolve(method.toString());
      JsonNode json = new JsonMapper().readTree(Files.readString(artefact.resolve("depth.json")));
      String policy = json.path("policy").asText();
      String spec = "auto:artefact=" + artefact;
      try (LlmEngine engine = LlmEngine.load(model, EngineConfig.DEFAULT.withDepth(spec))) {
        assertThat(engine.info().depthPolicy()).as(method.toString()).startsWith(policy);
      }
    }
  }

  @Test
  void aToleranceThatNothingMeetsNeverSkips() throws IOException {
    ObjectNode summary = run(CalibrationMethod.EXIT, folder.resolve("strict"), 2, 0.001);
    assertThat(summary.path("passed").asBoolean()).isFalse();
    assertThat(summary.path("result").asText()).contains("no setting meets the tolerance");
    JsonNode json =
        new JsonMapper().readTree(Files.readString(folder.resolve("strict/depth.json")));
    assertThat(json.path("exits")).isNotEmpty();
    for (JsonNode exit : json.path("exits")) {
      assertThat(exit.path("threshold").asDouble()).isEqualTo(2);
    }
    assertThat(folder.resolve("strict/candidates")).doesNotExist();
  }

  @Test
  void rowsThatChooseHaveThePrefixInTheirPrompts() {
    JobConfig config = config(folder.resolve("out"));
    InferenceOptions inference = inference(CalibrationMethod.ADAINFER, config);
    CalibrationOptions options = options(CalibrationMethod.ADAINFER, folder, 2, 0.1);
    Dataset<Row> corpus = JobFlags.input(spark, config);
    EngineJobs jobs =
        new EngineJobs(JavaSparkContext.fromSparkContext(spark.sparkContext()), inference, 2);
    List<DenseRow> rows =
        jobs.dense(CorpusSample.draw(corpus, inference, options), inference, corpus.schema());
    assertThat(rows).hasSize(ROWS);
    for (DenseRow row : rows) {
      assertThat(row.prompt()).hasSize(row.asked() + LABELS.answerPrefix().length());
      assertThat(row.prompt()).endsWith('{', '"', 'l', 'a', 'b', 'e', 'l', '"', ':', '"');
      assertThat(LABELS.labels()).contains(row.text());
      assertThat(row.answer()).containsExactly(row.text().charAt(0));
    }
    assertThat(jobs.generate(rows, "full").stream().map(Answer::text))
        .containsExactlyElementsOf(rows.stream().map(DenseRow::text).toList());
  }

  @Test
  void aReadingEndsRowsEarlyAndGoesDeeper() throws IOException {
    Path artefact = shared.resolve("2d");
    JsonNode json = new JsonMapper().readTree(Files.readString(artefact.resolve("depth.json")));
    assertThat(json.path("policy").asText()).isEqualTo("2d");
    assertThat(json.path("labels")).hasSize(3);
    assertThat(json.path("thresholds")).hasSameSizeAs(json.path("depths"));
    int below = 1;
    for (JsonNode depth : json.path("depths")) {
      assertThat(depth.asInt()).isBetween(below, TinyRuns.LAYERS - 1);
      below = depth.asInt();
    }
    String spec = "2d:artefact=" + artefact + ",threshold=0";
    try (LlmEngine engine = LlmEngine.load(model, EngineConfig.DEFAULT.withDepth(spec))) {
      Prompt prompt = new Prompt.Text("row 1 says hello. row 1 says hello. row 1 says hello.");
      GenerationResult result =
          engine.generate(List.of(new GenerationRequest("k", prompt, LABELS))).getFirst();
      assertThat(result.error()).isNull();
      assertThat(LABELS.labels()).contains(result.text());
      assertThat(result.compute().flops()).isLessThan(0.5 * result.compute().flopsFull());
    }
  }

  @Test
  void whatNeedsLabelsOrTextSaysSo() {
    JobConfig config = config(folder.resolve("out"));
    CalibrationOptions options = options(CalibrationMethod.READING, folder, 1, 0.1);
    assertThatThrownBy(() -> new CalibrationRun(options, config.inference(), SILENT))
        .isInstanceOf(EngineException.class)
        .hasMessage("--method 2d needs --labels A,B with two labels or more");
    CalibrationOptions sec = options(CalibrationMethod.SEC, folder, 1, 0.1);
    InferenceOptions choosing = inference(CalibrationMethod.READING, config);
    assertThatThrownBy(() -> new CalibrationRun(sec, choosing, SILENT))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("--method sec is given with --labels");
  }

  @Test
  void wrongOptionsSayWhatIsExpected() {
    assertThatThrownBy(() -> options(CalibrationMethod.EXIT, folder.resolve("a,b"), 1, 0.1))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("comma");
    assertThatThrownBy(() -> options(CalibrationMethod.EXIT, folder, 1, 1.5))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("--tolerance is 1.5");
  }
}
