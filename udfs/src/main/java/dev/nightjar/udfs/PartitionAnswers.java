package dev.nightjar.udfs;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.GenerationRequest;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.RowDecoder;
import dev.nightjar.engine.api.RowTrace;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.function.Consumer;
import org.apache.spark.TaskContext;
import org.apache.spark.TaskKilledException;
import org.apache.spark.util.TaskCompletionListener;
import org.apache.spark.util.TaskInterruptListener;

/**
 * One partition's path through a decoder of this JVM's engine: items become requests, and leave
 * with their results in input order. Memory is bounded by the decoder's look-ahead: only items that
 * it has pulled and not yet finished are held. Lives and is used within one Spark task, whose end
 * gives the engine back.
 *
 * @param <T> what a row is to the caller
 */
public final class PartitionAnswers<T> implements Iterator<PartitionAnswers.Answer<T>> {

  /** How items become requests; never throws for an item's content. */
  public interface Reader<T> {
    /** The item's request. */
    GenerationRequest request(T item);
  }

  /**
   * An item and what the engine made of it.
   *
   * @param started when the item was taken from the input
   * @param trace the layers it ran slot by slot; null if traces are not kept
   */
  public record Answer<T>(
      T item,
      GenerationRequest request,
      Instant started,
      GenerationResult result,
      RowTrace trace) {}

  /** Whether answers come with {@link Answer#trace}. */
  public enum Traces {
    /** None do. */
    NONE,
    /** All do that ran to their end. */
    KEPT
  }

  private final TaskContext task;
  private final ErrorMode errorMode;
  private final LlmEngine engine;
  private final Requests<T> requests;
  private final RowDecoder decoder;
  private final Consumer<GenerationResult> counter;
  private Answer<T> next;

  /**
   * Borrows the engine, loading it if this JVM has not got it, and starts to decode.
   *
   * @param counter told of every result, also of one that is left out or fails the task
   * @throws EngineException when the model cannot be loaded
   */
  public PartitionAnswers(
      Iterator<T> items,
      Reader<T> reader,
      InferenceOptions options,
      Consumer<GenerationResult> counter,
      Traces traces) {
    this.counter = counter;
    this.task = TaskContext.get();
    this.errorMode = options.errorMode();
    ExecutorEngines.Lease lease = ExecutorEngines.acquire(options.model(), options.engine());
    TaskCompletionListener giveBack = context -> lease.close();
    task.addTaskCompletionListener(giveBack);
    this.engine = lease.engine();
    this.requests = new Requests<>(items, reader);
    this.decoder =
        switch (traces) {
          case NONE -> engine.decode(requests);
          case KEPT -> engine.decodeTraced(requests);
        };
    decoder.limitRows(RowJournal.rowTimeout(task));
    TaskCompletionListener end = context -> decoder.close();
    task.addTaskCompletionListener(end);
    TaskInterruptListener stop = (context, reason) -> decoder.cancel();
    task.addTaskInterruptListener(stop);
  }

  /** The engine in use, valid until the task ends. */
  public LlmEngine engine() {
    return engine;
  }

  /**
   * Whether there is another answer; decodes until there is one.
   *
   * @throws EngineException of the first failed item, under {@link ErrorMode#FAIL_FAST}
   * @throws TaskKilledException when the task was cancelled
   */
  @Override
  public boolean hasNext() {
    while (next == null && decoder.hasNext()) {
      Answer<T> answer = requests.answer(decoder.next(), decoder.lastTrace());
      if (isWanted(answer)) {
        next = answer;
      }
    }
    if (next == null && task.isInterrupted()) {
      throw new TaskKilledException("inference was cancelled");
    }
    return next != null;
  }

  @Override
  public Answer<T> next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Answer<T> answer = next;
    next = null;
    return answer;
  }

  private boolean isWanted(Answer<T> answer) {
    GenerationResult result = answer.result();
    ExecutorCounts.count(result);
    counter.accept(result);
    if (result.error() == null) {
      return true;
    }
    return switch (errorMode) {
      case PERMISSIVE -> true;
      case DROP_MALFORMED -> false;
      case FAIL_FAST ->
          throw new EngineException(
              result.error().code(),
              "row '" + answer.request().key() + "': " + result.error().message());
    };
  }

  /** Items as requests; remembers each until its result is there. */
  private static final class Requests<T> implements Iterator<GenerationRequest> {
    private final Iterator<T> items;
    private final Reader<T> reader;
    private final ArrayDeque<Answer<T>> pending = new ArrayDeque<>();

    Requests(Iterator<T> items, Reader<T> reader) {
      this.items = items;
      this.reader = reader;
    }

    @Override
    public boolean hasNext() {
      return items.hasNext();
    }

    @Override
    public GenerationRequest next() {
      if (!items.hasNext()) {
        throw new NoSuchElementException();
      }
      T item = items.next();
      GenerationRequest request = reader.request(item);
      pending.add(new Answer<>(item, request, Instant.now(), null, null));
      return request;
    }

    Answer<T> answer(GenerationResult result, RowTrace trace) {
      Answer<T> waiting = pending.remove();
      return new Answer<>(waiting.item(), waiting.request(), waiting.started(), result, trace);
    }
  }
}
