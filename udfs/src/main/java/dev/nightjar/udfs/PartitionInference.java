package dev.nightjar.udfs;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowDecoder;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;
import org.apache.spark.util.TaskCompletionListener;
import org.apache.spark.util.TaskInterruptListener;

/**
 * One partition's path: rows become requests, go through a decoder of this JVM's engine, and leave
 * as result rows in input order. Memory is bounded by the decoder's look-ahead: only rows that it
 * has pulled and not yet finished are held.
 */
final class PartitionInference implements MapPartitionsFunction<Row, Row> {
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

  @Override
  public Iterator<Row> call(Iterator<Row> rows) {
    if (!rows.hasNext()) {
      return Collections.emptyIterator();
    }
    TaskContext task = TaskContext.get();
    ExecutorEngines.Lease lease = ExecutorEngines.acquire(options.model(), options.engine());
    TaskCompletionListener giveBack = context -> lease.close();
    task.addTaskCompletionListener(giveBack);
    LlmEngine engine = lease.engine();
    Requests requests = new Requests(rows, engine.info().modelFingerprint());
    RowDecoder decoder = engine.decode(requests);
    TaskInterruptListener stop = (context, reason) -> decoder.cancel();
    task.addTaskInterruptListener(stop);
    ResultRows results =
        new ResultRows(input, options, engine.info(), placement(task, engine), timeClasses);
    return new Results(task, requests, decoder, results);
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

  /** A row that the decoder has pulled and not yet finished. */
  private record Pending(Row row, String customId, String requestHash, Instant started) {}

  /** Rows as requests; remembers each row until its result is there. */
  private final class Requests implements Iterator<GenerationRequest> {
    private final Iterator<Row> rows;
    private final PromptReader reader =
        PromptReader.bind(options.prompt(), input, options.maxPromptChars());
    private final int keyColumn =
        options.keyColumn() == null ? -1 : PromptReader.indexOf(input, options.keyColumn());
    private final RequestHash hash = new RequestHash();
    private final String answerOptions = options.answerJson();
    private final String modelFingerprint;
    private final ArrayDeque<Pending> pending = new ArrayDeque<>();

    Requests(Iterator<Row> rows, String modelFingerprint) {
      this.rows = rows;
      this.modelFingerprint = modelFingerprint;
    }

    @Override
    public boolean hasNext() {
      return rows.hasNext();
    }

    @Override
    public GenerationRequest next() {
      if (!rows.hasNext()) {
        throw new NoSuchElementException();
      }
      Row row = rows.next();
      Prompt prompt = reader.read(row);
      Object given = keyColumn < 0 ? null : row.get(keyColumn);
      String key = given == null ? hash.ofPrompt(prompt) : given.toString();
      String randomKey = options.sampling().isGreedy() ? "" : key;
      String requestHash = hash.ofRequest(prompt, randomKey, answerOptions, modelFingerprint);
      pending.add(new Pending(row, key, requestHash, Instant.now()));
      return new GenerationRequest(key, prompt, options.sampling());
    }
  }

  /** Results as rows, in input order. */
  private final class Results implements Iterator<Row> {
    private final TaskContext task;
    private final Requests requests;
    private final RowDecoder decoder;
    private final ResultRows results;
    private Row next;

    Results(TaskContext task, Requests requests, RowDecoder decoder, ResultRows results) {
      this.task = task;
      this.requests = requests;
      this.decoder = decoder;
      this.results = results;
    }

    @Override
    public boolean hasNext() {
      while (next == null && decoder.hasNext()) {
        next = convert(decoder.next()).orElse(null);
      }
      if (next == null && task.isInterrupted()) {
        throw new TaskKilledException("inference was cancelled");
      }
      return next != null;
    }

    @Override
    public Row next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      Row row = next;
      next = null;
      return row;
    }

    private Optional<Row> convert(GenerationResult result) {
      Pending row = requests.pending.remove();
      if (progress != null) {
        progress.count(result);
      }
      if (result.error() != null) {
        switch (options.errorMode()) {
          case PERMISSIVE -> {
            // The error goes into the row.
          }
          case DROP_MALFORMED -> {
            return Optional.empty();
          }
          case FAIL_FAST ->
              throw new EngineException(
                  result.error().code(),
                  "row '" + row.customId() + "': " + result.error().message());
        }
      }
      return Optional.of(
          results.of(row.row(), row.customId(), row.requestHash(), row.started(), result));
    }
  }
}
