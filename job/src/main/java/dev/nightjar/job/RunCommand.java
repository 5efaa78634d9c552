package dev.nightjar.job;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nightjar run}: the batch job from the command line. */
@Command(
    name = "run",
    description = "Run a model over a table; the last line is the run's summary as JSON.",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    exitCodeOnInvalidInput = RunCommand.FAILED)
final class RunCommand implements Callable<Integer> {
  /** Exit code of a good run. */
  static final int OK = 0;

  /** Exit code of a run that failed. */
  static final int FAILED = 1;

  /** Exit code of a run in which more rows failed than may. */
  static final int TOO_MANY_ERRORS = 2;

  @Option(names = "--config", paramLabel = "FILE", description = "YAML file; flags win over it.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Any key of docs/configuration.md; may be repeated.")
  private List<String> settings = List.of();

  @Spec private CommandSpec spec;

  /** The command with one flag for each key that has one. */
  static CommandLine commandLine(String name) {
    CommandSpec spec = CommandSpec.forAnnotatedObject(new RunCommand()).name(name);
    JobFlags.add(spec, key -> true);
    return new CommandLine(spec).setExecutionExceptionHandler(Failures::handle);
  }

  @Override
  public Integer call() {
    return run(JobFlags.arguments(spec, key -> true, settings));
  }

  private int run(Map<String, String> arguments) {
    JobConfig config =
        JobConfig.parse(Optional.ofNullable(file), SparkSessions.nightjarProperties(), arguments);
    Map<String, String> properties =
        new LinkedHashMap<>(TableFormats.sessionProperties(config.output().format()));
    properties.putAll(config.spark());
    SparkSession spark = SparkSessions.open("nightjar", properties);
    try {
      BatchInferenceJob job = new BatchInferenceJob(spark, config, System.err);
      if (config.execution().dryRun()) {
        DryRun estimate = job.dryRun();
        estimate.lines().forEach(System.err::println);
        System.out.println(estimate.toJson());
        return OK;
      }
      BatchInferenceJob.Outcome outcome = job.run();
      outcome.summary().lines().forEach(System.err::println);
      switch (outcome.status()) {
        case OK -> {
          // The summary says it all.
        }
        case STOPPED ->
            System.err.println(
                "nightjar: run.stop-after has come; the same command goes on from here");
        case TOO_MANY_ERRORS ->
            System.err.println(
                "nightjar: more rows failed than errors.max-error-rate allows; the table is"
                    + " written");
      }
      System.out.println(outcome.toJson());
      return outcome.exitCode();
    } finally {
      spark.stop();
    }
  }
}
