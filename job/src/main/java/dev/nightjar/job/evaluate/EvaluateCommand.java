package dev.nightjar.job.evaluate;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.job.ChoiceFlags;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.JobFlags;
import dev.nightjar.job.SparkSessions;
import dev.nightjar.job.quality.Task;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code nightjar evaluate}: quality against compute for a list of depth specs. */
@Command(
    name = "evaluate",
    description = {
      "Measure quality and compute of depth policies on a labelled or unlabelled table,",
      "beside the dense model and baselines that do as much work; the last line is JSON."
    },
    mixinStandardHelpOptions = true,
    sortOptions = false,
    exitCodeOnInvalidInput = 1)
public final class EvaluateCommand implements Callable<Integer> {
  /** Keys that mean something here: where rows come from, the model, the prompt, the sampling. */
  private static final Predicate<String> KEYS =
      key ->
          !key.equals("depth")
              && !key.startsWith("output.")
              && !key.startsWith("errors.")
              && !key.equals("run.id")
              && !key.equals("run.date");

  /** Points of quality below dense that the detailed plot shows. */
  private static final double DETAIL = 10;

  /** What makes an answer right. */
  enum TaskName {
    /** The answer is the gold text. */
    EXACT,
    /** The answer is the gold label, not minding case. */
    LABEL,
    /** The likeliest of some labels is the gold label; nothing is generated. */
    CHOOSE,
    /** Fields of the answer are columns of the input. */
    JSON,
    /** The answer is that of the dense run. */
    AGREEMENT
  }

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "YAML file of a job; flags win over it. Its depth and output are not used.")
  private Path file;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "Any key of docs/configuration.md; may be repeated.")
  private List<String> settings = List.of();

  @Option(
      names = "--depth",
      required = true,
      paramLabel = "SPEC",
      description =
          "Depth policy, or a file with one per line (# starts a comment); may be repeated."
              + " The dense model and matched baselines are added.")
  private List<String> depths;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "DIR",
      description = "Folder of results and reports; on a cluster one that all executors write to.")
  private String out;

  @Option(
      names = "--task",
      defaultValue = "agreement",
      description =
          "What makes an answer right: exact, label, choose, json or agreement (default:"
              + " ${DEFAULT-VALUE}).")
  private TaskName task;

  @Option(
      names = "--gold",
      paramLabel = "COLUMN",
      description = "Right answers of exact, label or choose.")
  private String gold;

  @ArgGroup(exclusive = false, heading = "Labels of choose:%n")
  private ChoiceFlags choice;

  @Option(
      names = "--gold-fields",
      paramLabel = "A,B,C",
      split = ",",
      description = "Fields of the answer of json, and columns with their right values.")
  private List<String> goldFields = List.of();

  @Option(
      names = "--perplexity",
      paramLabel = "COLUMN",
      description = "Also score the gold texts of this column behind their prompts.")
  private String perplexity;

  @Option(names = "--metric", description = "Metric of the plot, instead of the task's main one.")
  private String metric;

  @Option(
      names = "--shards",
      defaultValue = "4",
      description =
          "Parts of the rows; each is run and timed by itself (default:" + " ${DEFAULT-VALUE}).")
  private int shards;

  @Option(
      names = "--bootstrap",
      defaultValue = "1000",
      description = "Resamples of the intervals (default: ${DEFAULT-VALUE}); --seed fixes them.")
  private int bootstrap;

  @Option(
      names = "--confidence",
      defaultValue = "0.95",
      description = "Confidence of the intervals (default: ${DEFAULT-VALUE}).")
  private double confidence;

  @Option(
      names = "--no-baselines",
      negatable = false,
      description = "Leave out the matched unified and random baselines.")
  private boolean noBaselines;

  @Option(names = "--overwrite", description = "Delete the results of another evaluation in --out.")
  private boolean overwrite;

  @Spec private CommandSpec spec;

  private final PrintStream console = System.out;
  private Evaluation evaluation;

  /** The command with the flags of the job's configuration. */
  public static CommandLine commandLine() {
    CommandSpec spec = CommandSpec.forAnnotatedObject(new EvaluateCommand());
    JobFlags.add(spec, KEYS);
    return new CommandLine(spec).setCaseInsensitiveEnumValuesAllowed(true);
  }

  @Override
  public Integer call() throws Exception {
    Optional<Throwable> thrown = JobFlags.attempt(this::run);
    if (thrown.isPresent()) {
      console.println(JobFlags.failedLine(thrown.get()));
      switch (thrown.get()) {
        case Exception e -> throw e;
        case Error e -> throw e;
        case Throwable t -> throw new IllegalStateException(t);
      }
    }
    console.println(new EvaluationReport(evaluation).lastLine());
    return 0;
  }

  private void run() {
    EvaluationOptions options = options();
    Map<String, String> arguments = JobFlags.arguments(spec, KEYS, settings);
    arguments.put("output.path", out);
    arguments.put("depth", PlannedSpec.DENSE);
    JobConfig config = JobFlags.config(Optional.ofNullable(file), arguments);
    if (choice != null) {
      config = config.withInference(config.inference().withChoice(choice.task()));
    }
    EvaluationPlan.of(options.depths());
    SparkSession spark = SparkSessions.open("nightjar evaluate", config.spark());
    try {
      OutputFolder folder = OutputFolder.open(out, spark.sparkContext().hadoopConfiguration());
      evaluation = new EvaluationJob(spark, config, options, folder, System.err).run();
      write(folder);
    } finally {
      spark.stop();
    }
  }

  private EvaluationOptions options() {
    return new EvaluationOptions(
        out,
        expanded(depths),
        task(),
        Optional.ofNullable(perplexity),
        shards,
        bootstrap,
        confidence,
        Optional.ofNullable(metric),
        !noBaselines,
        overwrite);
  }

  private Task task() {
    boolean needsColumn = task != TaskName.JSON && task != TaskName.AGREEMENT;
    String name = task.name().toLowerCase(Locale.ROOT);
    if (needsColumn != (gold != null)
        || (task == TaskName.JSON) == goldFields.isEmpty()
        || (task == TaskName.CHOOSE) != (choice != null)) {
      throw new EngineException(
          ErrorCode.INVALID_OPTION,
          "--task "
              + name
              + switch (task) {
                case EXACT, LABEL -> " needs --gold COLUMN, and no --gold-fields or --labels";
                case CHOOSE -> " needs --gold COLUMN and --labels A,B, and no --gold-fields";
                case JSON -> " needs --gold-fields A,B,C, and no --gold or --labels";
                case AGREEMENT -> " takes neither --gold nor --gold-fields nor --labels";
              });
    }
    return switch (task) {
      case EXACT -> new Task.Exact(gold);
      case LABEL, CHOOSE -> new Task.Label(gold);
      case JSON -> new Task.JsonFields(goldFields.stream().map(String::strip).toList());
      case AGREEMENT -> new Task.Agreement();
    };
  }

  /** Specs as they are, and those in files. */
  private static List<String> expanded(List<String> given) {
    List<String> specs = new ArrayList<>();
    for (String text : given) {
      Path path = Path.of(text);
      if (!Files.isRegularFile(path)) {
        specs.add(text);
        continue;
      }
      try {
        Files.readAllLines(path).stream()
            .map(line -> line.replaceFirst("(^|\\s)#.*", "").strip())
            .filter(line -> !line.isEmpty())
            .forEach(specs::add);
      } catch (IOException e) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION,
            "--depth " + text + " cannot be read as UTF-8 text: " + e.getMessage(),
            e);
      }
    }
    return specs;
  }

  private void write(OutputFolder folder) {
    EvaluationReport report = new EvaluationReport(evaluation);
    folder.write(EvaluationReport.JSON, report.json());
    List<String> plots = new ArrayList<>();
    JobFlags.attempt(() -> plots.addAll(plots(folder)))
        .ifPresent(thrown ->
            System.err.println(
                "nightjar: the plots could not be drawn: " + JobFlags.message(thrown)));
    folder.write(EvaluationReport.MARKDOWN, report.markdown(plots));
    report.console().forEach(console::println);
    console.println(
        "Written to " + folder.path() + ": evaluation.md, evaluation.json, quality*.svg, .png");
  }

  /** Draws the plot, and one of the region near dense where that leaves points out. */
  private List<String> plots(OutputFolder folder) {
    QualityPlot plot = QualityPlot.of(evaluation);
    folder.write("quality.svg", plot.svg());
    folder.write("quality.png", plot.png());
    List<String> names = new ArrayList<>(List.of("quality.svg"));
    for (QualityPlot detail : plot.above(plot.denseQuality() - DETAIL)) {
      folder.write("quality-near-dense.svg", detail.svg());
      folder.write("quality-near-dense.png", detail.png());
      names.add("quality-near-dense.svg");
    }
    return names;
  }
}
