package dev.nightjar.job.evaluate;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.JobFlags;
import dev.nightjar.udfs.ErrorMode;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.NightjarInference;
import java.util.HashSet;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;

/** Runs a spec over a shard and times it: the engine is loaded and warm before the clock starts. */
final class ShardRunner {
  /** Rows per task of the first warm-up of all, in which the JVM compiles the hot loops. */
  private static final int FIRST_WARM_UP = 64;

  /** Rows per task of the first warm-up of a spec, for what only its policy runs. */
  private static final int SPEC_WARM_UP = 16;

  private final JobConfig config;
  private final ResultStore store;
  private final String session;
  private final Set<String> warm = new HashSet<>();
  private InputShards.Shard current;
  private Dataset<Row> tasks;

  /**
   * @param session a name of this process's run
   */
  ShardRunner(JobConfig config, ResultStore store, String session) {
    this.config = config;
    this.store = store;
    this.session = session;
  }

  /**
   * The options of a spec: a failed row becomes an error row, whatever the configuration says, and
   * what a row costs does not depend on the rows before it.
   */
  static InferenceOptions options(InferenceOptions base, String spec) {
    EngineConfig.KeysValues alone =
        new EngineConfig.KeysValues(base.engine().keysValues().type(), 0);
    return new InferenceOptions(
        base.model(),
        base.engine().withDepth(spec).withKeysValues(alone),
        base.sampling(),
        base.prompt(),
        base.keyColumn(),
        base.maxPromptChars(),
        ErrorMode.PERMISSIVE,
        base.runId(),
        base.runDate(),
        base.choice());
  }

  /** Generates the answers of a shard and writes their table. */
  Pair generate(String spec, String specId, InputShards.Shard shard) {
    Dataset<Row> rows = tasksOf(shard);
    InferenceOptions options = options(config.inference(), spec);
    int warmUp = warm.isEmpty() ? FIRST_WARM_UP : warm.contains(spec) ? 1 : SPEC_WARM_UP;
    warm.add(spec);
    Dataset<Row> first = rows.mapPartitions(new FirstRows(warmUp), Encoders.row(rows.schema()));
    String path = store.table(ResultStore.RESULTS, specId, shard.number());
    call(
        "warm-up of " + spec,
        () ->
            NightjarInference.generate(first, options)
                .write()
                .format("noop")
                .mode(SaveMode.Overwrite)
                .save());
    long start = System.nanoTime();
    call(
        spec + " on shard " + shard.number(),
        () ->
            NightjarInference.generate(rows, options)
                .write()
                .mode(SaveMode.Overwrite)
                .parquet(path));
    double seconds = (System.nanoTime() - start) / 1e9;
    Pair pair = new Pair(spec, specId, shard.number(), shard.numRows(), seconds, session);
    store.finish(ResultStore.RESULTS, pair);
    return pair;
  }

  /** Scores the gold texts of a shard and writes their table. */
  Pair score(String spec, String specId, InputShards.Shard shard, String goldColumn) {
    Dataset<Row> rows = tasksOf(shard);
    InferenceOptions options = options(config.inference(), spec);
    String path = store.table(ResultStore.PERPLEXITY, specId, shard.number());
    long start = System.nanoTime();
    call(
        "perplexity of " + spec + " on shard " + shard.number(),
        () ->
            GoldScores.of(rows, options, goldColumn)
                .write()
                .mode(SaveMode.Overwrite)
                .parquet(path));
    double seconds = (System.nanoTime() - start) / 1e9;
    Pair pair = new Pair(spec, specId, shard.number(), shard.numRows(), seconds, session);
    store.finish(ResultStore.PERPLEXITY, pair);
    return pair;
  }

  private static void call(String what, Runnable body) {
    JobFlags.attempt(body)
        .ifPresent(thrown -> {
          throw new IllegalStateException(what + " failed", thrown);
        });
  }

  private Dataset<Row> tasksOf(InputShards.Shard shard) {
    if (current == null || current.number() != shard.number()) {
      close();
      current = shard;
      tasks = shard.tasks(config.rowsPerTask());
    }
    return tasks;
  }

  /** Gives back the rows that are kept in memory. */
  void close() {
    if (tasks != null) {
      tasks.unpersist();
    }
  }
}
