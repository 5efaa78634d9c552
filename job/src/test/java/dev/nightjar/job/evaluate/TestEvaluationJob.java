package dev.nightjar.job.evaluate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.ChatMessage;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.TinyRuns;
import dev.nightjar.job.quality.Task;
import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TestEvaluationJob {
  private static final PrintStream SILENT =
      new PrintStream(OutputStream.nullOutputStream(), false, StandardCharsets.UTF_8);
  private static final String EXIT = "exit:layers=1,threshold=0";
  private static final Task BODY = new Task.Exact("body");

  @TempDir private static Path shared;
  private static Path model;
  private static Path input;
  private static SparkSession spark;

  @TempDir private Path folder;

  @BeforeAll
  static void open() throws IOException {
    model = TinyRuns.model(shared.resolve("model"));
    input = TinyRuns.input(shared, 24);
    spark = TinyRuns.session("local[2]");
  }

  @AfterAll
  static void close() {
    spark.stop();
    ExecutorEngines.closeIdle();
  }

  @Test
  void everySpecIsMeasuredBesideDenseAndMatchedBaselines() {
    Evaluation evaluation = run(List.of("static:keep=0+3", EXIT), BODY);
    List<PlannedSpec> specs = evaluation.specs().stream().map(SpecResult::spec).toList();
    assertThat(specs)
        .extracting(PlannedSpec::text)
        .startsWith("full", "static:keep=0+3", EXIT)
        .contains("unified:keep=0.5")
        .doesNotHaveDuplicates();
    SpecResult dense = evaluation.specs().getFirst();
    assertThat(dense.compute().flopsRatio()).isEqualTo(1);
    assertThat(dense.compute().attentionLayers()).isEqualTo(TinyRuns.LAYERS);
    assertThat(dense.metric(Metrics.AGREEMENT).value()).isEqualTo(new Interval(1, 1, 1));
    assertThat(dense.rate().orElseThrow().max()).isEqualTo(1);
    assertThat(dense.rows()).isEqualTo(new RowCounts(24, 0, 0));
    assertThat(dense.meanBatch()).isPositive();
    SpecResult half = evaluation.specs().get(1);
    assertThat(half.compute().promptShare()).isEqualTo(0.5);
    assertThat(half.compute().completionShare()).isEqualTo(0.5);
    assertThat(half.compute().kvRatio()).isEqualTo(0.5);
    SpecResult exit = evaluation.specs().get(2);
    assertThat(exit.compute().promptShare()).isEqualTo(1);
    assertThat(exit.compute().completionShare()).isBetween(0.25, 0.6);
    SpecResult unified =
        evaluation.specs().stream()
            .filter(result -> result.spec().text().equals("unified:keep=0.5"))
            .findFirst()
            .orElseThrow();
    assertThat(unified.spec().baselineOf()).contains("static:keep=0+3");
    assertThat(unified.spec().asked()).isFalse();
    assertThat(unified.compute().flopsRatio()).isCloseTo(half.compute().flopsRatio(), within(1e-9));
    SpecResult random =
        evaluation.specs().stream()
            .filter(result ->
                result.spec().family() == PlannedSpec.Family.RANDOM
                    && result.spec().baselineOf().contains("static:keep=0+3"))
            .findFirst()
            .orElseThrow();
    assertThat(random.compute().flopsRatio()).isCloseTo(half.compute().flopsRatio(), within(0.03));
    assertThat(evaluation.pairsReused()).isZero();
    assertThat(evaluation.pairsRun()).isGreaterThanOrEqualTo(2 * specs.size());
  }

  @Test
  void agreementIsThatOfTheTables() {
    Evaluation evaluation =
        run(options(List.of("static:keep=0+2"), new Task.Agreement(), false, 2, false), Map.of());
    Dataset<Row> dense = table(evaluation.specs().getFirst().id());
    Dataset<Row> half = table(evaluation.specs().get(1).id());
    dense.createOrReplaceTempView("dense");
    half.createOrReplaceTempView("half");
    Row row =
        spark
            .sql(
                "SELECT avg(CAST(dense.text <=> half.text AS INT)), count(*),"
                    + " sum(half.compute.flops), count(DISTINCT half.id)"
                    + " FROM dense JOIN half USING (evaluation_row)")
            .head();
    SpecResult result = evaluation.specs().get(1);
    assertThat(row.getLong(1)).isEqualTo(24).isEqualTo(row.getLong(3));
    assertThat(result.metric(Metrics.AGREEMENT).value().estimate())
        .isCloseTo(row.getDouble(0), within(1e-12));
    assertThat(result.compute().flops()).isEqualTo(row.getDouble(2));
    assertThat(evaluation.specs()).hasSize(2);
    assertThat(evaluation.pairsRun()).isEqualTo(4);
  }

  @Test
  void finishedPairsAreNotRunAgain() throws IOException {
    Evaluation first = run(List.of("static:keep=0+3"), BODY);
    long loads = ExecutorEngines.loads();
    Evaluation second = run(List.of("static:keep=0+3"), BODY);
    assertThat(second.pairsRun()).isZero();
    assertThat(second.pairsReused()).isGreaterThanOrEqualTo(2 * first.specs().size());
    assertThat(ExecutorEngines.loads() - loads).as("engines to check the specs").isLessThan(3);
    assertThat(second.specs()).isEqualTo(first.specs());

    String id = first.specs().get(1).id();
    Path pair = folder.resolve("out/results/spec=" + id + "/shard=1");
    delete(pair);
    Evaluation third = run(List.of("static:keep=0+3"), BODY);
    assertThat(third.pairsRun()).isEqualTo(1);
    assertThat(pair.resolve("_SUCCESS")).exists();
    assertThat(third.specs().get(1).metrics()).isEqualTo(first.specs().get(1).metrics());
    assertThat(third.specs().get(1).compute()).isEqualTo(first.specs().get(1).compute());
    assertThat(third.specs().get(1).rate().orElseThrow().shards()).isEqualTo(1);

    Files.delete(folder.resolve("out/results/spec=" + id + "/shard=0/_pair.json"));
    assertThat(run(List.of("static:keep=0+3"), BODY).pairsRun()).isEqualTo(1);
  }

  @Test
  void moreSpecsCanBeAddedLater() {
    run(options(List.of("static:keep=0+3"), BODY, false, 2, false), Map.of());
    Evaluation more =
        run(options(List.of("static:keep=0+3", EXIT), BODY, false, 2, false), Map.of());
    assertThat(more.pairsRun()).isEqualTo(2);
    assertThat(more.pairsReused()).isEqualTo(4);
  }

  @Test
  void otherResultsInTheFolderAreRefusedOrReplaced() {
    EvaluationOptions options = options(List.of("unified:keep=0.5"), BODY, false, 2, false);
    run(options, Map.of());
    assertThatThrownBy(() -> run(options, Map.of("sampling.max-tokens", "5")))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("holds results of another evaluation")
        .hasMessageContaining("options was {")
        .hasMessageContaining("\"max_tokens\":5")
        .hasMessageContaining("--overwrite");
    assertThatThrownBy(() -> run(options, Map.of("input.limit", "20")))
        .hasMessageContaining("rows was 24, now 20")
        .hasMessageContaining("rows_sha256");
    EvaluationOptions shards = options(List.of("unified:keep=0.5"), BODY, false, 3, false);
    assertThatThrownBy(() -> run(shards, Map.of())).hasMessageContaining("shards was 2, now 3");
    EvaluationOptions replaced = options(List.of("unified:keep=0.5"), BODY, false, 3, true);
    assertThat(run(replaced, Map.of()).pairsReused()).isZero();
  }

  @Test
  void foldersOfOthersAreLeftAlone() throws IOException {
    Path other = Files.createDirectories(folder.resolve("out/results"));
    EvaluationOptions options = options(List.of("full"), BODY, false, 2, true);
    assertThatThrownBy(() -> run(options, Map.of()))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("no manifest.json of an evaluation; use another --out");
    assertThat(other).exists();
  }

  @Test
  void answersDoNotDependOnShardsAndThreads() {
    List<String> specs = List.of("static:keep=0+2");
    Evaluation two = run(options(specs, BODY, false, 2, false), Map.of());
    Evaluation five = run(options(specs, BODY, false, 5, true), Map.of("engine.batch-size", "3"));
    for (int i = 0; i < two.specs().size(); i++) {
      assertThat(five.specs().get(i).metrics()).isEqualTo(two.specs().get(i).metrics());
      assertThat(five.specs().get(i).compute()).isEqualTo(two.specs().get(i).compute());
    }
  }

  @Test
  void badRowsAreCountedAndWrong() throws IOException {
    Path rows =
        Files.write(
            folder.resolve("mixed.jsonl"),
            List.of(
                "{\"id\": 0, \"body\": \"hello\"}",
                "{\"id\": 1}",
                "{\"id\": 2, \"body\": \"" + "x".repeat(2000) + "\"}",
                "{\"id\": 3, \"body\": \"world\"}"));
    Map<String, String> more =
        Map.of("input.path", rows.toString(), "errors.mode", "drop-malformed");
    Evaluation evaluation = run(options(List.of("unified:keep=0.5"), BODY, true, 2, false), more);
    assertThat(evaluation.specs())
        .allSatisfy(result -> assertThat(result.rows()).isEqualTo(new RowCounts(3, 1, 1)));
  }

  @Test
  void perplexityIsThatOfTheEngine() throws IOException {
    EvaluationOptions options =
        new EvaluationOptions(
            folder.resolve("out").toString(),
            List.of("unified:keep=0.5"),
            new Task.Agreement(),
            Optional.of("body"),
            2,
            50,
            0.9,
            Optional.empty(),
            false,
            false);
    Evaluation evaluation = run(options, Map.of("input.limit", "3", "engine.batch-size", "2"));
    for (SpecResult result : evaluation.specs()) {
      double nll = 0;
      int tokens = 0;
      try (LlmEngine engine =
          LlmEngine.load(model, EngineConfig.DEFAULT.withDepth(result.spec().text()))) {
        for (String line : Files.readAllLines(input).subList(0, 3)) {
          String body = line.replaceFirst(".*\"body\": \"", "").replaceFirst("\"}$", "");
          int[] asked =
              engine.encoder().encode(new Prompt.Messages(List.of(new ChatMessage("user", body))));
          int[] gold = engine.encoder().tokenizer().encode(body);
          int[] all = new int[asked.length + gold.length];
          System.arraycopy(asked, 0, all, 0, asked.length);
          System.arraycopy(gold, 0, all, asked.length, gold.length);
          List<Float> logprobs = engine.score(all).logprobs();
          for (int i = asked.length - 1; i < all.length - 1; i++) {
            nll -= logprobs.get(i);
          }
          tokens += gold.length;
        }
      }
      assertThat(result.scoredTokens()).isEqualTo(tokens);
      assertThat(result.perplexity().orElseThrow().value().estimate())
          .isCloseTo(Math.exp(nll / tokens), within(1e-6));
    }
    assertThat(run(options, Map.of("input.limit", "3", "engine.batch-size", "2")).pairsRun())
        .isZero();
  }

  @Test
  void rowsThatChooseAreRightWhereTheLabelIs() throws IOException {
    List<String> labels = List.of("a", "b");
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      lines.add("{\"id\": %d, \"body\": \"row %d\", \"gold\": \"a\"}".formatted(i, i));
    }
    Path rows = Files.write(folder.resolve("labelled.jsonl"), lines);
    var choice = dev.nightjar.engine.api.Task.Choose.of(labels, "is ");
    Map<String, String> arguments =
        TinyRuns.arguments(model, rows, folder.resolve("out"), "sampling.max-tokens", "6");
    arguments.put("input.schema", "id INT, body STRING, gold STRING");
    JobConfig config = JobConfig.parse(Optional.empty(), Map.of(), arguments);
    config = config.withInference(config.inference().withChoice(choice));
    EvaluationOptions options =
        options(List.of("static:keep=0+3"), new Task.Label("gold"), false, 2, false);
    OutputFolder out = OutputFolder.open(options.out(), spark.sparkContext().hadoopConfiguration());
    Evaluation evaluation = new EvaluationJob(spark, config, options, out, SILENT).run();
    assertThat(evaluation.facts().get("options"))
        .contains("\"labels\":[\"a\",\"b\"],\"answer_prefix\":\"is \",\"length\":\"sum\"");
    SpecResult dense = evaluation.specs().getFirst();
    assertThat(dense.rows()).isEqualTo(new RowCounts(8, 0, 0));
    List<Row> answers = table(dense.id()).select("text", "usage.completion_tokens").collectAsList();
    assertThat(answers).allSatisfy(row -> assertThat(labels).contains(row.getString(0)));
    assertThat(answers).allSatisfy(row -> assertThat(row.<Integer>getAs(1)).isEqualTo(1));
    assertThat(dense.metric("accuracy").value().estimate())
        .isEqualTo(answers.stream().filter(row -> row.getString(0).equals("a")).count() / 8.0);
    assertThat(evaluation.specs().get(1).compute().promptShare()).isEqualTo(0.5);
  }

  @Test
  void faultsAreToldBeforeAnythingRuns() {
    assertThatThrownBy(() -> run(List.of("full"), new Task.JsonFields(List.of("bodi", "topic"))))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("gold column 'bodi' is not in the input")
        .hasMessageContaining("did you mean 'body'?")
        .hasMessageContaining("gold column 'topic'");
    assertThatThrownBy(() -> run(List.of("static:keep=0+9", "dllm", "unified:keep=2"), BODY))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("keep is \"0+9\"")
        .hasMessageContaining("dllm")
        .hasMessageContaining("keep is \"2\"");
    assertThatThrownBy(() -> options(List.of("full"), BODY, false, 0, false))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("--shards is 0");
    assertThat(folder.resolve("out/results")).doesNotExist();
  }

  private Evaluation run(List<String> depths, Task task) {
    return run(options(depths, task, true, 2, false), Map.of());
  }

  private EvaluationOptions options(
      List<String> depths, Task task, boolean baselines, int shards, boolean overwrite) {
    return new EvaluationOptions(
        folder.resolve("out").toString(),
        depths,
        task,
        Optional.empty(),
        shards,
        200,
        0.95,
        Optional.empty(),
        baselines,
        overwrite);
  }

  private static Evaluation run(EvaluationOptions options, Map<String, String> more) {
    Map<String, String> arguments =
        TinyRuns.arguments(model, input, Path.of(options.out()), "sampling.max-tokens", "6");
    arguments.putAll(more);
    JobConfig config = JobConfig.parse(Optional.empty(), Map.of(), arguments);
    OutputFolder out = OutputFolder.open(options.out(), spark.sparkContext().hadoopConfiguration());
    return new EvaluationJob(spark, config, options, out, SILENT).run();
  }

  private Dataset<Row> table(String id) {
    Path spec = folder.resolve("out/results/spec=" + id);
    return spark
        .read()
        .parquet(spec.resolve("shard=0").toString(), spec.resolve("shard=1").toString());
  }

  private static void delete(Path root) throws IOException {
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
