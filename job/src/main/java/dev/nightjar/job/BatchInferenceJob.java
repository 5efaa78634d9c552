package dev.nightjar.job;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.udfs.InferenceProgress;
import dev.nightjar.udfs.InputSlices;
import dev.nightjar.udfs.NightjarInference;
import dev.nightjar.udfs.ResultSchema;
import java.io.PrintStream;
import java.util.Optional;
import java.util.Set;
import org.apache.spark.sql.DataFrameReader;
import org.apache.spark.sql.DataFrameWriter;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.types.StructType;

/**
 * The batch job: reads rows, cuts them into tasks by number, runs the model over them, writes the
 * result table, and sums up from what it wrote. Main class for spark-submit; {@link #run} is the
 * same from code.
 */
public final class BatchInferenceJob {
  /** Formats whose reader takes a schema; others know their own. */
  private static final Set<String> SCHEMA_FORMATS = Set.of("parquet", "json", "orc");

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

  /**
   * How a run ended.
   *
   * @param tooManyErrors whether more rows failed than {@code errors.max-error-rate} allows
   */
  public record Outcome(RunSummary summary, boolean tooManyErrors) {
    /** The process exit code: 0, or 2 when too many rows failed. */
    public int exitCode() {
      return tooManyErrors ? RunCommand.TOO_MANY_ERRORS : RunCommand.OK;
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
   * Runs the job.
   *
   * @throws EngineException when the input or the options are wrong
   * @throws TooManyErrorsException when it was stopped because too many rows had failed
   * @throws IllegalStateException when Spark could not finish it; the cause tells why
   */
  public Outcome run() {
    long start = System.nanoTime();
    Dataset<Row> input = read();
    StructType schema = ResultSchema.of(input.schema());
    NightjarInference.generate(input, config.inference());
    InputSlices slices =
        InputSlices.of(
            input,
            config.rowsPerTask(),
            spark.sparkContext().defaultParallelism(),
            config.input().limit());
    InferenceProgress progress = InferenceProgress.create(spark.sparkContext());
    Dataset<Row> results = NightjarInference.generate(slices.rows(), config.inference(), progress);
    long inferenceStart = System.nanoTime();
    write(results, progress, slices.numRows());
    double inferenceSeconds = (System.nanoTime() - inferenceStart) / 1e9;
    RunSummary summary =
        RunSummary.of(
            runRows(schema),
            new RunSummary.Run(
                config, slices.numRows(), inferenceSeconds, (System.nanoTime() - start) / 1e9));
    return new Outcome(summary, summary.errorRate() > config.maxErrorRate());
  }

  /** The input's rows, before any limit. */
  Dataset<Row> read() {
    JobConfig.Input input = config.input();
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

  private void write(Dataset<Row> results, InferenceProgress progress, long numRows) {
    String tag = "nightjar-" + config.inference().runId().replace(',', '-');
    spark.sparkContext().addJobTag(tag);
    try (ProgressReporter reporter =
        new ProgressReporter(spark.sparkContext(), progress, config, numRows, tag, log)) {
      Optional<Throwable> failure = Attempt.of(() -> writer(results).save(config.output().path()));
      if (failure.isPresent() && reporter.aborted()) {
        throw new TooManyErrorsException(config.maxErrorRate(), failure.get());
      } else if (failure.isPresent()) {
        throw new IllegalStateException("the run failed; nothing was written", failure.get());
      }
    } finally {
      spark.sparkContext().removeJobTag(tag);
    }
  }

  private DataFrameWriter<Row> writer(Dataset<Row> results) {
    DataFrameWriter<Row> writer =
        results
            .write()
            .format(config.output().format())
            .partitionBy(ResultSchema.RUN_DATE)
            .options(config.output().options());
    return switch (config.output().mode()) {
      case APPEND -> writer.mode(SaveMode.Append);
      case OVERWRITE_PARTITIONS ->
          writer.mode(SaveMode.Overwrite).option("partitionOverwriteMode", "dynamic");
      case ERROR_IF_EXISTS -> writer.mode(SaveMode.ErrorIfExists);
    };
  }

  private Dataset<Row> runRows(StructType schema) {
    DataFrameReader reader = spark.read().format(config.output().format());
    if (SCHEMA_FORMATS.contains(config.output().format())) {
      reader = reader.schema(schema);
    }
    Dataset<Row> table = reader.load(config.output().path());
    return table
        .where(table.col(ResultSchema.RUN_DATE).equalTo(config.inference().runDate()))
        .where(table.col("run_id").equalTo(config.inference().runId()));
  }
}
