package dev.nightjar.udfs;

import dev.nightjar.engine.EngineInfo;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.udfs.sql.RowsFunction;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Consumer;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;

/** One partition of the job: rows of any schema in, result rows out, in input order. */
final class PartitionInference implements MapPartitionsFunction<Row, Row>, RowsFunction {
  private final StructType input;
  private final InferenceOptions options;
  private final InferenceProgress progress;
  private final ResultRows.TimeClasses timeClasses;

  /** Takes what the driver decided; {@code progress} may be null. */
  PartitionInference(
      StructType input,
      InferenceOptions options,
      InferenceProgress progress,
      ResultRows.TimeClasses timeClasses) {
    this.input = input;
    this.options = options;
    this.progress = progress;
    this.timeClasses = timeClasses;
  }

  /** Model and depth. */
  String description() {
    return "model " + options.model() + ", depth " + options.engine().depth();
  }

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    return apply(rows, result -> {});
  }

  @Override
  public Iterator<Row> apply(Iterator<Row> rows, Consumer<GenerationResult> counter) {
    if (!rows.hasNext()) {
      return Collections.emptyIterator();
    }
    TaskContext task = TaskContext.get();
    RowPrompts prompts = new RowPrompts(options, input);
    RowJournal journal = RowJournal.of(task);
    RowWatch watch = RowWatch.of(task);
    Consumer<GenerationResult> counters =
        progress == null ? counter : counter.andThen(progress::count);
    PartitionAnswers<Row> all =
        new PartitionAnswers<>(
            journal.isCareful() ? Collections.emptyIterator() : rows,
            row -> request(prompts, journal, row),
            options,
            counters,
            traces());
    Iterator<PartitionAnswers.Answer<Row>> answers =
        journal.isCareful()
            ? new OneByOne(rows, prompts, journal, watch, counters)
            : new Together(all, journal, watch);
    EngineInfo engine = all.engine().info();
    ResultRows results =
        new ResultRows(input, options, engine, placement(task, all.engine()), timeClasses);
    return new Results(
        answers, results, prompts, engine.modelFingerprint(), profile(task, all.engine()));
  }

  private PartitionAnswers.Traces traces() {
    return progress == null || progress.profile() == null
        ? PartitionAnswers.Traces.NONE
        : PartitionAnswers.Traces.KEPT;
  }

  /** What counts this task's rows, until its end; null if nobody wants it. */
  private TaskProfile profile(TaskContext task, LlmEngine engine) {
    if (traces() == PartitionAnswers.Traces.NONE) {
      return null;
    }
    TaskProfile profile = new TaskProfile(engine.encoder().tokenizer(), engine.info().numLayers());
    TaskCompletionListener add = context -> progress.profile().add(profile.build());
    task.addTaskCompletionListener(add);
    return profile;
  }

  private static GenerationRequest request(RowPrompts prompts, RowJournal journal, Row row) {
    GenerationRequest request = prompts.request(row);
    Prompt admitted = journal.admit(request.key(), request.prompt());
    return new GenerationRequest(request.key(), admitted, request.task());
  }

  /** Rows that run together, as many at a time as the engine takes. */
  private record Together(PartitionAnswers<Row> answers, RowJournal journal, RowWatch watch)
      implements Iterator<PartitionAnswers.Answer<Row>> {
    @Override
    public boolean hasNext() {
      return journal.among(() -> watch.over(answers::hasNext));
    }

    @Override
    public PartitionAnswers.Answer<Row> next() {
      return answers.next();
    }
  }

  /** Rows that run alone, noted while they do. */
  private final class OneByOne implements Iterator<PartitionAnswers.Answer<Row>> {
    private final Iterator<Row> rows;
    private final RowPrompts prompts;
    private final RowJournal journal;
    private final RowWatch watch;
    private final Consumer<GenerationResult> counters;
    private PartitionAnswers.Answer<Row> next;

    OneByOne(
        Iterator<Row> rows,
        RowPrompts prompts,
        RowJournal journal,
        RowWatch watch,
        Consumer<GenerationResult> counters) {
      this.counters = counters;
      this.rows = rows;
      this.prompts = prompts;
      this.journal = journal;
      this.watch = watch;
    }

    @Override
    public boolean hasNext() {
      while (next == null && rows.hasNext()) {
        Row row = rows.next();
        GenerationRequest request = request(prompts, journal, row);
        PartitionAnswers<Row> answers =
            new PartitionAnswers<>(
                List.of(row).iterator(), item -> request, options, counters, traces());
        next =
            journal.alone(
                request.key(), () -> watch.over(answers::hasNext) ? answers.next() : null);
      }
      return next != null;
    }

    @Override
    public PartitionAnswers.Answer<Row> next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      PartitionAnswers.Answer<Row> answer = next;
      next = null;
      return answer;
    }
  }

  private static Row placement(TaskContext task, LlmEngine engine) {
    SparkEnv env = SparkEnv.get();
    String version = LlmEngine.class.getPackage().getImplementationVersion();
    return RowFactory.create(
        env.blockManager().blockManagerId().host(),
        env.executorId(),
        task.stageId(),
        task.partitionId(),
        task.taskAttemptId(),
        task.attemptNumber(),
        version == null ? "development" : version,
        engine.info().kernels());
  }

  /** Answers as result rows, in input order; {@code profile} may be null. */
  private record Results(
      Iterator<PartitionAnswers.Answer<Row>> answers,
      ResultRows results,
      RowPrompts prompts,
      String modelFingerprint,
      TaskProfile profile)
      implements Iterator<Row> {

    @Override
    public boolean hasNext() {
      return answers.hasNext();
    }

    @Override
    public Row next() {
      PartitionAnswers.Answer<Row> answer = answers.next();
      if (profile != null) {
        profile.add(answer.request().key(), answer.result(), answer.trace());
      }
      String requestHash = prompts.requestHash(answer.request(), modelFingerprint);
      return results.of(answer, requestHash);
    }
  }
}
