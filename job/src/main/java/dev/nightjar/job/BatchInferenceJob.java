package dev.nightjar.job;

import static org.apache.spark.sql.functions.not;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.job.ConfigKeys.Report;
import dev.nightjar.job.ledger.Fingerprint;
import dev.nightjar.job.ledger.Ledger;
import dev.nightjar.job.ledger.ModelIdentity;
import dev.nightjar.job.ledger.RunRecord;
import dev.nightjar.job.openai.BatchFiles;
import dev.nightjar.job.openai.BatchInput;
import dev.nightjar.job.report.RunReport;
import dev.nightjar.udfs.NightjarInference;
import dev.nightjar.udfs.ResultSchema;
import dev.nightjar.udfs.RunProfile;
import java.io.PrintStream;
import java.time.Instant;
import java.util.Locale;
import java.util.Optional;
import org.apache.spark.sql.Column;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * The batch job: reads rows, leaves out those that the table has results of, runs the model over
 * the others chunk by chunk, and sums up from what it wrote. Main class for spark-submit; {@link
 * #run} is the same from code.
 */
public final class BatchInferenceJob {
  private final SparkSession spark;
  private final JobConfig config;
  private final PrintStream log;

  /**
   * A job that has not run yet.
   *
   * @param log where progress lines go
   */
  public BatchInferenceJob(SparkSession spark, JobConfig config, PrintStream log) {
    this.spark = spark;
    this.config = config;
    this.log = log;
  }

  /** What came of a run. */
  public enum Status {
    /** Every row has its result. */
    OK,
    /** The time was up; the next run goes on. */
    STOPPED,
    /** More rows failed than {@code errors.max-error-rate} allows. */
    TOO_MANY_ERRORS
  }

  /** How a run ended. */
  public record Outcome(RunSummary summary, Status status) {
    /** The process exit code: 0, or 2 when too many rows failed. */
    public int exitCode() {
      return status == Status.TOO_MANY_ERRORS ? RunCommand.TOO_MANY_ERRORS : RunCommand.OK;
    }

    /** The run's summary as one JSON object. */
    String toJson() {
      return summary.toJson(status.name().toLowerCase(Locale.ROOT));
    }
  }

  /**
   * Runs a job from the command line; exits with 0, 1 when it failed, or 2 when too many rows
   * failed.
   */
  public static void main(String[] args) {
    int exitCode = RunCommand.commandLine("BatchInferenceJob").execute(args);
    if (exitCode != RunCommand.OK) {
      System.exit(exitCode);
    }
  }

  /**
   * Runs the job: the rows that have no result for this configuration yet.
   *
   * @throws EngineException when the input or the options are wrong
   * @throws TooManyErrorsException when it was stopped because too many rows had failed
   * @throws OutputFullException when the output takes no more
   * @throws IllegalStateException when Spark could not finish it; the cause tells why
   */
  public Outcome run() {
    long start = System.nanoTime();
    Dataset<Row> input = read();
    StructType schema = ResultSchema.of(input.schema());
    NightjarInference.generate(input, config.inference());
    memory().lines().forEach(log::println);
    ModelIdentity model = ModelIdentity.read(spark, config.inference());
    Fingerprint fingerprint = Fingerprint.of(config.inference(), model);
    JobConfig.Output output = config.output();
    try (Ledger ledger =
        Ledger.open(output.path(), output.ledger(), spark.sparkContext().hadoopConfiguration())) {
      ResultTable table = ResultTable.open(spark, config, ledger, fingerprint, schema);
      if (config.input().isBatch()) {
        Column stays = not(ResultTable.withdrawn(config.execution().retryErrors()));
        table
            .committed()
            .ifPresent(
                rows -> BatchInput.refuseChanged(input, rows.where(stays), config.inference()));
      }
      ledger.begin(record(fingerprint));
      ChunkedRun.Done done = new ChunkedRun(spark, config, log, ledger, table, model).run(input);
      RunSummary summary =
          RunSummary.of(table.runRows(), config, done, (System.nanoTime() - start) / 1e9);
      Outcome outcome = new Outcome(summary, status(summary));
      if (config.output().batchFolder().isPresent() && done.rowsRemaining() == 0) {
        log.println(writeBatch(input, table, config.output().batchFolder().get()).line());
      }
      ledger.end(
          new RunRecord.End(
              config.inference().runId(),
              outcome.status().name().toLowerCase(Locale.ROOT),
              Instant.now().toString(),
              outcome.toJson()));
      report(ledger, table, done.profile());
      return outcome;
    }
  }

  private BatchFiles writeBatch(Dataset<Row> input, ResultTable table, String folder) {
    return BatchFiles.write(
        input,
        table.committed().orElseGet(table::runRows),
        config.inference(),
        folder,
        spark.sparkContext().hadoopConfiguration());
  }

  /** Writes the page about the run; a run is as good without it. */
  private void report(Ledger ledger, ResultTable table, RunProfile profile) {
    if (config.output().report() == Report.OFF || !table.exists()) {
      return;
    }
    RunProfile kept = config.output().report() == Report.FULL ? profile : profile.withoutTexts();
    String runId = config.inference().runId();
    Optional<Throwable> failure =
        Attempt.of(() -> {
          RunProfile all = ledger.keep(runId, kept);
          new RunReport(table.allRows())
              .html(Optional.of(runId), run -> Optional.of(all))
              .ifPresent(page -> log.println("report      " + ledger.writeReport(page)));
        });
    failure.ifPresent(
        e -> log.println("nightjar: the report was not written: " + Failures.message(e)));
  }

  /** Runs a few rows, writes nothing, and tells what the whole run would take. */
  DryRun dryRun() {
    Dataset<Row> input = read();
    ResultSchema.of(input.schema());
    memory().lines().forEach(log::println);
    return DryRun.of(input, config);
  }

  private MemoryCheck memory() {
    return MemoryCheck.of(
        spark,
        config.inference().model(),
        config.inference().engine(),
        config.inference().sampling().maxTokens());
  }

  private RunRecord record(Fingerprint fingerprint) {
    return new RunRecord(
        config.inference().runId(),
        fingerprint.hash(),
        fingerprint.json(),
        new RunRecord.Output(
            config.output().mode().name(),
            config.output().format(),
            config.inference().runDate().toString()),
        spark.sparkContext().applicationId(),
        Instant.now().toString());
  }

  private Status status(RunSummary summary) {
    if (summary.errorRate() > config.maxErrorRate()) {
      return Status.TOO_MANY_ERRORS;
    }
    return summary.rowsRemaining() > 0 ? Status.STOPPED : Status.OK;
  }

  /** The input's rows, before any limit. */
  Dataset<Row> read() {
    JobConfig.Input input = config.input();
    if (input.isBatch()) {
      return BatchInput.read(spark, input.path().orElseThrow().split(","), input.options());
    }
    Optional<Dataset<Row>> files = input.path().map(path -> load(input, path));
    if (input.query().isEmpty()) {
      return files.orElseThrow();
    }
    files.ifPresent(rows -> rows.createOrReplaceTempView("input"));
    return spark.sql(input.query().get());
  }

  private Dataset<Row> load(JobConfig.Input input, String path) {
    DataFrameReader reader = spark.read().format(input.format()).options(input.options());
    if (input.schema().isPresent()) {
      reader = reader.schema(input.schema().get());
    }
    return reader.load(path.split(","));
  }
}
