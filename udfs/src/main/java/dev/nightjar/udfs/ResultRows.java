package dev.nightjar.udfs;

import dev.nightjar.engine.EngineInfo;
import dev.nightjar.engine.api.GenerationResult;
import dev.nightjar.engine.api.SamplingParams;
import dev.nightjar.engine.api.Task;
import java.sql.Date;
import java.sql.Timestamp;
import java.time.Instant;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.apache.spark.sql.types.StructType;

/**
 * Makes result rows of {@link ResultSchema}: one per input row, from what the engine gave. One per
 * partition.
 */
final class ResultRows {
  /** What {@code java.sql} or {@code java.time} classes rows carry, as the session is set. */
  enum TimeClasses {
    /** {@link Timestamp} and {@link Date}, Spark's default. */
    JAVA_SQL,
    /**
     * {@link Instant} and {@link java.time.LocalDate} ({@code
     * spark.sql.datetime.java8API.enabled}).
     */
    JAVA_TIME
  }

  private final int inputColumns;
  private final int columns;
  private final InferenceOptions options;
  private final EngineInfo engine;
  private final Row placement;
  private final TimeClasses timeClasses;
  private final Task task;
  private final String optionsJson;
  private final Object runDate;

  /**
   * Fixes what all rows of a partition share.
   *
   * @param placement a row of the placement type, or null outside Spark
   */
  ResultRows(
      StructType input,
      InferenceOptions options,
      EngineInfo engine,
      Row placement,
      TimeClasses timeClasses) {
    this.inputColumns = input.size();
    this.columns = inputColumns + ResultSchema.columns().size();
    this.options = options;
    this.engine = engine;
    this.placement = placement;
    this.timeClasses = timeClasses;
    this.task = options.task();
    this.optionsJson = options.toJson();
    this.runDate =
        switch (timeClasses) {
          case JAVA_SQL -> Date.valueOf(options.runDate());
          case JAVA_TIME -> options.runDate();
        };
  }

  /** The result row of one input row. */
  Row of(PartitionAnswers.Answer<Row> answer, String requestHash) {
    Row input = answer.item();
    GenerationResult result = answer.result();
    Task own = answer.request().task();
    Object[] values = new Object[columns];
    for (int i = 0; i < inputColumns; i++) {
      values[i] = input.get(i);
    }
    int at = inputColumns;
    values[at++] = options.runId();
    values[at++] = answer.request().key();
    values[at++] = requestHash;
    values[at++] = engine.model();
    values[at++] = engine.modelFingerprint();
    values[at++] = status(result);
    for (Object value : AnswerRows.generated(result, withLogprobs(own))) {
      values[at++] = value;
    }
    values[at++] = placement;
    values[at++] = own.equals(task) ? optionsJson : options.toJson(own);
    values[at++] = time(answer.started());
    values[at++] = time(answer.started().plusNanos(result.timing().totalNanos()));
    values[at++] = runDate;
    assert at == columns;
    return RowFactory.create(values);
  }

  private boolean withLogprobs(Task own) {
    SamplingParams sampling =
        own instanceof Task.Generate(SamplingParams its) ? its : options.sampling();
    return sampling.logprobs() >= 0;
  }

  static String status(GenerationResult result) {
    if (result.error() != null) {
      return ResultSchema.ERROR;
    }
    return result.skippedNull() ? ResultSchema.SKIPPED_NULL : ResultSchema.OK;
  }

  private Object time(Instant instant) {
    return switch (timeClasses) {
      case JAVA_SQL -> Timestamp.from(instant);
      case JAVA_TIME -> instant;
    };
  }
}
