package dev.nightjar.job.calibrate;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.nightjar.job.ChoiceFlags;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.JobFlags;
import dev.nightjar.job.SparkSessions;
import dev.nightjar.udfs.InferenceOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nightjar calibrate}: fits a depth artefact to a model and a sample of a corpus. */
@Command(
    name = "calibrate",
    description = {
      "Fit a depth artefact to a model and a sample of a corpus, by forward passes on Spark.",
      "Input, prompt and model are given as for run; the last line is a summary as JSON."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    exitCodeOnInvalidInput = 1)
public final class CalibrateCommand implements Callable<Integer> {
  @Option(names = "--config", paramLabel = "FILE", description = "YAML file; flags win over it.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Any key of docs/configuration.md; may be repeated.")
  private List<String> settings = List.of();

  @Option(
      names = "--method",
      required = true,
      paramLabel = "M",
      description = "One of ${COMPLETION-CANDIDATES}.")
  private CalibrationMethod method;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder of the artefact, at a path that every executor sees.")
  private Path out;

  @Option(
      names = "--rows",
      defaultValue = "512",
      description = "Rows of the sample (default: ${DEFAULT-VALUE}).")
  private int rows;

  @Option(
      names = "--held-out",
      defaultValue = "0.75",
      description = "Share of the sample to test settings on (default: ${DEFAULT-VALUE}).")
  private double heldOut;

  @Option(
      names = "--tolerance",
      defaultValue = "0.01",
      description =
          "Risk allowed: share of answers that differ from those at full depth, or of"
              + " gold values lost (default: ${DEFAULT-VALUE}).")
  private double tolerance;

  @Option(
      names = "--confidence",
      defaultValue = "0.95",
      description = "With which the risk is below the tolerance (default: ${DEFAULT-VALUE}).")
  private double confidence;

  @Option(
      names = "--seed",
      defaultValue = "0",
      description = "Seed of the sample and of its split (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--partitions",
      defaultValue = "0",
      description = "Spark tasks per pass, 0 for two per slot; the artefact does not depend on it.")
  private int partitions;

  @Option(names = "--gold", paramLabel = "COLUMN", description = "Column with the right answer.")
  private String gold;

  @Option(
      names = "--gold-fields",
      paramLabel = "A,B",
      split = ",",
      description = "Columns with the right values of the fields of the answer's JSON object.")
  private List<String> goldFields = List.of();

  @ArgGroup(exclusive = false)
  private ChoiceFlags choice;

  @Option(
      names = "--skip",
      defaultValue = "0.25",
      description = "ffnskip: share of feed-forward sublayers to skip (default: ${DEFAULT-VALUE}).")
  private double skip;

  @Option(
      names = "--warm-up",
      defaultValue = "4",
      description = "ffnskip: generated tokens that run all of them (default: ${DEFAULT-VALUE}).")
  private int warmUp;

  @Option(
      names = "--exits",
      split = "\\+",
      paramLabel = "4+6+8",
      description = "exit, lens, adainfer, 2d, sec: layers below an exit; chosen when not given.")
  private List<Integer> exits = List.of();

  @Option(
      names = "--count",
      defaultValue = "0",
      description = "drop: layers to drop; 0 chooses (default: ${DEFAULT-VALUE}).")
  private int count;

  @Option(
      names = "--probe-layer",
      defaultValue = "2",
      description = "rowmask: layer whose input the probe reads (default: ${DEFAULT-VALUE}).")
  private int probeLayer;

  @Option(
      names = "--samples",
      defaultValue = "4096",
      description = "gates: tokens to fit to, at most (default: ${DEFAULT-VALUE}).")
  private int samples;

  @Spec private CommandSpec spec;

  private CalibrateCommand() {}

  /** The command with the flags of the job's keys that it takes. */
  public static CommandLine commandLine() {
    CommandSpec spec = CommandSpec.forAnnotatedObject(new CalibrateCommand());
    JobFlags.add(spec, CalibrateCommand::takes);
    return new CommandLine(spec).setCaseInsensitiveEnumValuesAllowed(true);
  }

  /** Keys that mean the same here as in a run. */
  private static boolean takes(String key) {
    return key.equals("model")
        || key.startsWith("input.") && !key.equals("input.limit")
        || key.startsWith("prompt.")
        || key.startsWith("engine.")
        || key.equals("sampling.max-tokens")
        || key.equals("sampling.stop")
        || key.equals("sampling.repetition-penalty");
  }

  @Override
  public Integer call() throws IOException {
    CalibrationOptions options =
        new CalibrationOptions(
            method,
            out,
            rows,
            heldOut,
            tolerance,
            confidence,
            seed,
            partitions,
            gold,
            goldFields,
            new CalibrationOptions.Fitting(skip, warmUp, exits, count, probeLayer, samples));
    Map<String, String> arguments = new LinkedHashMap<>();
    arguments.put("output.path", options.out().toString());
    arguments.putAll(JobFlags.arguments(spec, CalibrateCommand::takes, settings));
    JobConfig config = JobFlags.config(Optional.ofNullable(file), arguments);
    InferenceOptions inference =
        choice == null ? config.inference() : config.inference().withChoice(choice.task());
    CalibrationRun run = new CalibrationRun(options, inference, System.err);
    SparkSession spark = SparkSessions.open("nightjar calibrate", config.spark());
    try {
      ObjectNode summary = run.run(spark, JobFlags.input(spark, config));
      System.out.println(summary);
      return 0;
    } finally {
      spark.stop();
    }
  }
}
