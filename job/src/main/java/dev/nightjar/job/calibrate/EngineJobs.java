package dev.nightjar.job.calibrate;

import dev.nightjar.engine.HiddenStates;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.ComputeStats;
import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowDecoder;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import dev.nightjar.udfs.ExecutorEngines;
import dev.nightjar.udfs.InferenceOptions;
import dev.nightjar.udfs.RowPrompts;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.FlatMapFunction;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;
import org.apache.spark.util.TaskInterruptListener;

/**
 * Passes of the model over sample rows, on the executors: one engine per JVM, tasks of a few rows.
 * Results come back in sample order and do not depend on how rows were dealt to tasks.
 */
final class EngineJobs {
  private static final int TREE_DEPTH = 2;

  private final JavaSparkContext spark;
  private final String model;
  private final EngineConfig engine;
  private final Task task;
  private final int partitions;

  /** What is computed of one row; must depend on the row alone. */
  interface RowFunction<T> extends Serializable {
    T apply(LlmEngine engine, DenseRow row);
  }

  /** Takes one row's hidden states into a partial result. */
  interface RowAggregation<A> extends Serializable {
    void add(A aggregate, HiddenStates states);
  }

  /** An empty partial result. */
  interface Empty<A> extends Serializable {
    A get();
  }

  /** Passes under the job's options; answers are decoded greedily whatever the options say. */
  EngineJobs(JavaSparkContext spark, InferenceOptions options, int partitions) {
    this.spark = spark;
    this.model = options.model();
    // What a row costs must not depend on the rows before it.
    EngineConfig.KeysValues alone =
        new EngineConfig.KeysValues(options.engine().keysValues().type(), 0);
    this.engine = options.engine().withDepth("full").withKeysValues(alone);
    this.task =
        options.choice() == null ? new Task.Generate(greedy(options.sampling())) : options.choice();
    this.partitions = partitions > 0 ? partitions : 2 * spark.defaultParallelism();
  }

  private static SamplingParams greedy(SamplingParams given) {
    return new SamplingParams(
        given.maxTokens(),
        0f,
        0,
        1f,
        0f,
        given.repetitionPenalty(),
        given.seed(),
        given.stop(),
        -1);
  }

  /** What is done with each row. */
  Task task() {
    return task;
  }

  /** The model's facts, read on an executor, which is where the model must be. */
  ModelFacts facts() {
    return spark.parallelize(List.of(model), 1).map(ModelFacts::read).first();
  }

  /** Answers the sample densely; rows that fail or are cut to fit the context are left out. */
  List<DenseRow> dense(List<SampleRow> sample, InferenceOptions options, StructType schema) {
    EngineConfig config = engine;
    Task same = task;
    FlatMapFunction<Iterator<SampleRow>, DenseRow> body =
        rows -> {
          List<SampleRow> own = new ArrayList<>();
          rows.forEachRemaining(own::add);
          if (own.isEmpty()) {
            return List.<DenseRow>of().iterator();
          }
          try (ExecutorEngines.Lease lease = ExecutorEngines.acquire(options.model(), config)) {
            return denseRows(lease.engine(), own, new RowPrompts(options, schema), same).iterator();
          }
        };
    List<DenseRow> found = new ArrayList<>(slices(sample).mapPartitions(body).collect());
    found.sort(Comparator.comparing(DenseRow::rank));
    List<DenseRow> numbered = new ArrayList<>(found.size());
    for (DenseRow r : found) {
      numbered.add(r.at(numbered.size()));
    }
    return numbered;
  }

  private static List<DenseRow> denseRows(
      LlmEngine engine, List<SampleRow> rows, RowPrompts prompts, Task task) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (SampleRow row : rows) {
      requests.add(new GenerationRequest(row.key(), prompts.prompt(row.row()), task));
    }
    List<DenseRow> answered = new ArrayList<>();
    RowDecoder decoder = cancellable(engine.decode(requests.iterator()));
    for (int i = 0; i < rows.size(); i++) {
      GenerationResult result = decoder.next();
      if (result.error() != null || result.skippedNull()) {
        continue;
      }
      int[] prompt = engine.promptTokens(requests.get(i));
      if (prompt.length != result.usage().promptTokens()) {
        continue;
      }
      int[] answer = result.tokenIds().stream().mapToInt(Integer::intValue).toArray();
      int asked = engine.encoder().encode(requests.get(i).prompt()).length;
      SampleRow row = rows.get(i);
      answered.add(
          new DenseRow(0, row.rank(), row.key(), prompt, asked, answer, result.text(), row.gold()));
    }
    return answered;
  }

  /** The decoder, which stops when Spark kills the task. */
  private static RowDecoder cancellable(RowDecoder decoder) {
    TaskCompletionListener end = context -> decoder.close();
    TaskContext.get().addTaskCompletionListener(end);
    TaskInterruptListener stop = (context, reason) -> decoder.cancel();
    TaskContext.get().addTaskInterruptListener(stop);
    return decoder;
  }

  /** Answers rows under a depth policy. */
  List<Answer> generate(List<DenseRow> rows, String depth) {
    Task same = task;
    FlatMapFunction<Iterator<DenseRow>, Answer> body =
        withEngine(depth, (engine, own) -> answers(engine, own, same));
    List<Answer> answers = new ArrayList<>(slices(rows).mapPartitions(body).collect());
    answers.sort(Comparator.comparingInt(Answer::index));
    return answers;
  }

  private static List<Answer> answers(LlmEngine engine, List<DenseRow> rows, Task task) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (DenseRow row : rows) {
      List<Integer> ids = new ArrayList<>(row.asked());
      for (int i = 0; i < row.asked(); i++) {
        ids.add(row.prompt()[i]);
      }
      requests.add(new GenerationRequest(row.key(), new Prompt.TokenIds(ids), task));
    }
    List<Answer> answers = new ArrayList<>();
    RowDecoder decoder = cancellable(engine.decode(requests.iterator()));
    for (DenseRow row : rows) {
      GenerationResult result = decoder.next();
      ComputeStats c = result.compute();
      if (result.error() != null || c == null) {
        answers.add(new Answer(row.index(), null, 0, 0, 0, 0));
        continue;
      }
      long executed = c.layersExecuted() + c.layersExecutedPrefill();
      long rest = c.layersSkipped() + c.layersSkippedPrefill() + c.layersExited();
      answers.add(
          new Answer(
              row.index(), result.text(), c.flops(), c.flopsFull(), executed, executed + rest));
    }
    return answers;
  }

  /** Computes something small of each row; results in sample order. */
  <T extends Serializable> List<T> trace(List<DenseRow> rows, RowFunction<T> function) {
    FlatMapFunction<Iterator<DenseRow>, Indexed<T>> body =
        withEngine(
            "full",
            (engine, own) -> {
              List<Indexed<T>> values = new ArrayList<>();
              for (DenseRow row : own) {
                values.add(new Indexed<>(row.index(), function.apply(engine, row)));
              }
              return values;
            });
    List<Indexed<T>> found = new ArrayList<>(slices(rows).mapPartitions(body).collect());
    found.sort(Comparator.comparingInt(Indexed::index));
    List<T> values = new ArrayList<>(found.size());
    found.forEach(each -> values.add(each.value()));
    return values;
  }

  /** Sums hidden states of all rows. */
  <A extends Mergeable<A>> A aggregate(
      List<DenseRow> rows, Empty<A> empty, RowAggregation<A> aggregation) {
    FlatMapFunction<Iterator<DenseRow>, A> body =
        withEngine(
            "full",
            (engine, own) -> {
              A sum = empty.get();
              for (DenseRow row : own) {
                aggregation.add(sum, engine.hiddenStates(row.fed(), row.prompt().length));
              }
              return List.of(sum);
            });
    return slices(rows).mapPartitions(body).treeReduce((a, b) -> a.merge(b), TREE_DEPTH);
  }

  private <R extends Serializable> JavaRDD<R> slices(List<R> rows) {
    return spark.parallelize(rows, Math.clamp(rows.size(), 1, partitions));
  }

  /** A value of the row at an index. */
  private record Indexed<T extends Serializable>(int index, T value) implements Serializable {}

  /** Work on all rows of a task. */
  private interface Body<T> extends Serializable {
    List<T> apply(LlmEngine engine, List<DenseRow> rows);
  }

  private <T> FlatMapFunction<Iterator<DenseRow>, T> withEngine(String depth, Body<T> body) {
    String path = model;
    EngineConfig config = engine.withDepth(depth);
    return rows -> {
      List<DenseRow> own = new ArrayList<>();
      rows.forEachRemaining(own::add);
      if (own.isEmpty()) {
        return List.<T>of().iterator();
      }
      try (ExecutorEngines.Lease lease = ExecutorEngines.acquire(path, config)) {
        return body.apply(lease.engine(), own).iterator();
      }
    };
  }
}
