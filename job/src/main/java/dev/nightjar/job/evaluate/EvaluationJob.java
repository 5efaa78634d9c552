package dev.nightjar.job.evaluate;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.JobFlags;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.InputSlices;
import dev.nightjar.udfs.NearestName;
import dev.nightjar.udfs.NightjarInference;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.BinaryType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.MapType;
import org.apache.spark.sql.types.StructField;
import org.apache.spark.sql.types.StructType;

/**
 * Runs every depth spec over the same rows, shard by shard with the specs one after the other in
 * each, finds the baselines that do as much work, and measures quality and compute. What is
 * finished in the output folder is not run again.
 */
final class EvaluationJob {
  private final SparkSession spark;
  private final JobConfig config;
  private final EvaluationOptions options;
  private final PrintStream log;
  private final ResultStore store;
  private final ShardRunner runner;
  private final AnswerReader reader;
  private final Map<String, String> ids = new HashMap<>();
  private final Set<String> met = new HashSet<>();
  private int pairsRun;
  private int pairsReused;

  /**
   * An evaluation that has not run yet.
   *
   * @param log where progress lines go
   */
  EvaluationJob(
      SparkSession spark,
      JobConfig config,
      EvaluationOptions options,
      OutputFolder folder,
      PrintStream log) {
    this.spark = spark;
    this.config = config;
    this.options = options;
    this.log = log;
    this.store = new ResultStore(folder);
    this.runner = new ShardRunner(config, store, UUID.randomUUID().toString());
    this.reader = new AnswerReader(spark, options.task().goldColumns());
  }

  /**
   * Runs what is missing and measures everything.
   *
   * @throws EngineException when specs, columns or the output folder are wrong, before any run
   * @throws IllegalStateException when Spark could not finish a run; the message tells why
   */
  Evaluation run() {
    long start = System.nanoTime();
    EvaluationPlan plan = EvaluationPlan.of(options.depths());
    Dataset<Row> rows = rows();
    checkColumns(rows.schema());
    SpecProbe.Model model = SpecProbe.check(spark, config.inference(), plan.specs());
    InputShards input = InputShards.of(rows, config.inference().keyColumn(), options.shards());
    Map<String, String> facts = facts(model, input);
    if (options.overwrite()) {
      store.clear();
    }
    store.check(facts);
    generate(plan, input.shards(), model.layers());
    score(plan, input.shards());
    runner.close();
    List<SpecResult> results = measure(plan, input.shards());
    return new Evaluation(
        options,
        config.inference().sampling().seed(),
        model,
        facts,
        input.numRows(),
        input.shards().size(),
        results,
        pairsRun,
        pairsReused,
        (System.nanoTime() - start) / 1e9);
  }

  private Dataset<Row> rows() {
    Dataset<Row> rows = JobFlags.input(spark, config);
    NightjarInference.generate(rows, config.inference());
    long limit = config.input().limit();
    return limit == 0 ? rows : InputSlices.of(rows, config.rowsPerTask(), 1, limit).rows();
  }

  private void checkColumns(StructType schema) {
    List<String> problems = new ArrayList<>();
    for (String column : options.task().goldColumns()) {
      check(schema, column, "gold column", problems);
    }
    options.perplexityColumn().ifPresent(c -> check(schema, c, "perplexity column", problems));
    if (!problems.isEmpty()) {
      throw new EngineException(ErrorCode.INVALID_OPTION, String.join("\n", problems));
    }
  }

  private static void check(StructType schema, String column, String role, List<String> problems) {
    List<String> names = List.of(schema.fieldNames());
    if (!names.contains(column)) {
      problems.add(
          role
              + " '"
              + column
              + "' is not in the input, which has "
              + names
              + NearestName.hint(column, names));
      return;
    }
    StructField field = schema.apply(column);
    DataType type = field.dataType();
    if (type instanceof StructType
        || type instanceof ArrayType
        || type instanceof MapType
        || type instanceof BinaryType) {
      problems.add(
          role
              + " '"
              + column
              + "' has type "
              + type.simpleString()
              + ", expected a plain value; cast it in a query");
    }
  }

  /** All that determines answers and rates, but for the spec, whose id stands for it. */
  private Map<String, String> facts(SpecProbe.Model model, InputShards input) {
    InferenceOptions inference = config.inference();
    String version = LlmEngine.class.getPackage().getImplementationVersion();
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("model_fingerprint", model.fingerprint());
    facts.put("options", ShardRunner.options(inference, PlannedSpec.DENSE).toJson());
    facts.put("prompt", inference.prompt().toString());
    facts.put("prompt_max_chars", String.valueOf(inference.maxPromptChars()));
    facts.put("key_column", String.valueOf(inference.keyColumn()));
    facts.put("rows_per_task", String.valueOf(config.rowsPerTask()));
    facts.put("shards", String.valueOf(options.shards()));
    facts.put("rows", String.valueOf(input.numRows()));
    facts.put("rows_sha256", input.sha256());
    facts.put("perplexity_column", options.perplexityColumn().orElse(""));
    facts.put("nightjar", version == null ? "development" : version);
    return facts;
  }

  private String id(String spec) {
    return ids.computeIfAbsent(spec, text -> SpecProbe.id(config.inference().model(), text));
  }

  /** Shards outside, specs inside, so that drifts of the machine's speed hit all specs alike. */
  private void generate(EvaluationPlan plan, List<InputShards.Shard> shards, int layers) {
    InputShards.Shard first = shards.getFirst();
    for (PlannedSpec spec : plan.specs()) {
      generate(spec.text(), first);
    }
    if (options.baselines()) {
      addBaselines(plan, first, layers);
    }
    for (int i = 1; i < shards.size(); i++) {
      List<PlannedSpec> specs = new ArrayList<>(plan.specs());
      Collections.rotate(specs, -i);
      for (PlannedSpec spec : specs) {
        generate(spec.text(), shards.get(i));
      }
    }
  }

  private void addBaselines(EvaluationPlan plan, InputShards.Shard first, int layers) {
    BaselineSearch search =
        new BaselineSearch(
            layers,
            spec -> {
              generate(spec, first);
              return flopsRatio(spec, first);
            });
    for (PlannedSpec spec : plan.matched()) {
      double target = flopsRatio(spec.text(), first);
      if (target > 0) {
        search.unified(target).ifPresent(found -> plan.addBaseline(found, spec.text()));
        search.random(target).ifPresent(found -> plan.addBaseline(found, spec.text()));
      }
    }
  }

  private double flopsRatio(String spec, InputShards.Shard shard) {
    return sums(answers(spec, List.of(shard))).flopsRatio();
  }

  private void generate(String spec, InputShards.Shard shard) {
    if (!met.add(id(spec) + "/" + shard.number())) {
      return;
    }
    if (store.finished(ResultStore.RESULTS, id(spec), shard.number()).isPresent()) {
      pairsReused++;
      return;
    }
    Pair pair = runner.generate(spec, id(spec), shard);
    pairsRun++;
    log.printf(
        Locale.ROOT,
        "shard %d, %s: %,d rows, %.1f rows/s%n",
        pair.shard(),
        spec,
        pair.rows(),
        pair.rate());
  }

  private void score(EvaluationPlan plan, List<InputShards.Shard> shards) {
    if (options.perplexityColumn().isEmpty()) {
      return;
    }
    String column = options.perplexityColumn().get();
    for (InputShards.Shard shard : shards) {
      for (PlannedSpec spec : plan.specs()) {
        String id = id(spec.text());
        if (store.finished(ResultStore.PERPLEXITY, id, shard.number()).isPresent()) {
          pairsReused++;
        } else {
          runner.score(spec.text(), id, shard, column);
          pairsRun++;
          log.println("shard " + shard.number() + ", " + spec.text() + ": gold texts scored");
        }
      }
    }
  }

  private List<SpecResult> measure(EvaluationPlan plan, List<InputShards.Shard> shards) {
    Bootstrap bootstrap =
        new Bootstrap(
            options.resamples(), options.confidence(), config.inference().sampling().seed());
    Metrics metrics = new Metrics(options.task(), bootstrap);
    Perplexity perplexity = new Perplexity(spark, bootstrap);
    List<Answer> dense = answers(PlannedSpec.DENSE, shards);
    List<Pair> densePairs = pairs(PlannedSpec.DENSE, shards);
    double denseFlops = sums(dense).flops();
    List<String> denseScores = scoreTables(PlannedSpec.DENSE, shards);
    List<SpecResult> results = new ArrayList<>();
    for (PlannedSpec spec : plan.specs()) {
      List<Answer> answers = answers(spec.text(), shards);
      ComputeSums sums = sums(answers);
      List<Pair> pairs = pairs(spec.text(), shards);
      Perplexity.Result scores =
          options.perplexityColumn().isEmpty()
              ? Perplexity.NONE
              : perplexity.of(scoreTables(spec.text(), shards), denseScores);
      results.add(
          new SpecResult(
              spec,
              id(spec.text()),
              RowCounts.of(answers),
              metrics.of(answers, dense),
              scores.metric(),
              scores.tokens(),
              sums,
              denseFlops == 0 ? 0 : sums.flops() / denseFlops,
              answers.stream().mapToDouble(Answer::batch).filter(b -> b > 0).average().orElse(0),
              RateRatio.of(pairs, densePairs),
              pairs));
    }
    return results;
  }

  private List<Answer> answers(String spec, List<InputShards.Shard> shards) {
    return reader.read(tables(ResultStore.RESULTS, spec, shards));
  }

  private List<String> scoreTables(String spec, List<InputShards.Shard> shards) {
    return tables(ResultStore.PERPLEXITY, spec, shards);
  }

  private List<String> tables(String kind, String spec, List<InputShards.Shard> shards) {
    return shards.stream().map(shard -> store.table(kind, id(spec), shard.number())).toList();
  }

  private List<Pair> pairs(String spec, List<InputShards.Shard> shards) {
    return shards.stream()
        .map(shard -> store.finished(ResultStore.RESULTS, id(spec), shard.number()).orElseThrow())
        .toList();
  }

  private static ComputeSums sums(List<Answer> answers) {
    ComputeSums sums = ComputeSums.NONE;
    for (Answer answer : answers) {
      sums = sums.plus(answer.compute());
    }
    return sums;
  }
}
