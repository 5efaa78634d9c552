package dev.nightjar.job.demo;

import dev.nightjar.engine.EmbeddedModel;
import dev.nightjar.job.BatchInferenceJob;
import dev.nightjar.job.JobConfig;
import dev.nightjar.job.RunSummary;
import dev.nightjar.job.SparkSessions;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.apache.spark.sql.SparkSession;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code nightjar demo}: labels a real mail corpus with the embedded model, adaptively and densely,
 * and compares.
 */
@Command(
    name = "demo",
    description = "Label a real mail corpus with the embedded model and check the answers.",
    mixinStandardHelpOptions = true,
    exitCodeOnInvalidInput = 1)
public final class DemoCommand implements Callable<Integer> {
  private static final int WARM_UP_ROWS = 64;

  @Option(
      names = "--rows",
      paramLabel = "N",
      defaultValue = "0",
      description = "Mails to label; 0 takes all held-out ones.")
  private int rows;

  @Option(names = "--baselines", description = "Also run depth policies that do not adapt.")
  private boolean baselines;

  @Option(names = "--synthetic", description = "Use the synthetic mailbox instead of the corpus.")
  private boolean synthetic;

  @Option(
      names = "--model",
      defaultValue = EmbeddedModel.NAME,
      description = "Another model to label the mails with.")
  private String model;

  @Option(
      names = "--depth",
      defaultValue = "dllm",
      description = "The depth policy that is compared with full depth.")
  private String depth;

  @Option(
      names = "--folder",
      defaultValue = ".nightjar/demo",
      description = "Where the corpus and the tables are kept (default: ${DEFAULT-VALUE}).")
  private Path folder;

  private final PrintStream out = System.out;

  @Override
  public Integer call() throws IOException {
    Files.createDirectories(folder);
    SparkSession spark = SparkSessions.open("nightjar demo", Map.of());
    try {
      DemoMails mails = synthetic ? DemoMails.synthetic() : DemoMails.get(folder, out);
      mails.write(spark, table("mails"));
      view(spark, "mails");
      describe(spark, mails);
      DemoReport report = new DemoReport(out);
      List<DemoReport.Column> columns = new ArrayList<>();
      out.println("Warming up ...");
      for (String spec : runs().values()) {
        warmUp(spark, spec);
      }
      for (Map.Entry<String, String> run : runs().entrySet()) {
        columns.add(run(spark, run.getKey(), run.getValue()));
      }
      report.comparison(columns);
      report.queries(spark);
      out.println(
          "Tables (Parquet): " + folder + "/{mails," + String.join(",", runs().keySet()) + "}");
      out.println("Query them yourself: scripts/nightjar sql");
      return 0;
    } finally {
      spark.stop();
    }
  }

  private static void describe(SparkSession spark, DemoMails mails) {
    long heldOut = mails.mails().stream().filter(mail -> mail.split().equals("test")).count();
    System.out.printf(
        Locale.ROOT,
        "%,d mails from the %s; %,d of them were held out from training.%n",
        mails.mails().size(),
        mails.source(),
        heldOut);
    System.out.println("Spark " + spark.version() + " on " + spark.sparkContext().master());
  }

  /** Result tables and their depth policies, in the order of the runs. */
  private Map<String, String> runs() {
    Map<String, String> runs = new LinkedHashMap<>();
    runs.put("results", depth);
    runs.put("results_full", "full");
    if (baselines) {
      runs.put("results_unified", "unified:keep=0.5");
      Path artefacts = EmbeddedModel.resolve(model).resolve("depth");
      for (String name : List.of("static", "random")) {
        Path artefact = artefacts.resolve(name);
        if (Files.isDirectory(artefact)) {
          runs.put("results_" + name, name + ":artefact=" + artefact);
        } else if (name.equals("random")) {
          runs.put("results_random", "random:keep=0.5,seed=1");
        }
      }
    }
    return runs;
  }

  private DemoReport.Column run(SparkSession spark, String name, String spec) throws IOException {
    String title = spec.replaceFirst(":artefact=.*", "");
    out.println();
    out.println("Labelling with depth " + title + " ...");
    out.flush();
    deleteTree(table(name));
    warmUp(spark, spec);
    RunSummary summary = job(spark, arguments(name, spec, rows)).run().summary();
    summary.lines().forEach(out::println);
    view(spark, name);
    return new DemoReport.Column(title, summary, DemoScore.of(spark, name));
  }

  /**
   * Loads the engine and lets the compiler see the hot loops, so that a run's time is that of its
   * work.
   */
  private void warmUp(SparkSession spark, String spec) throws IOException {
    String name = "warm-up";
    int limit = rows == 0 ? WARM_UP_ROWS : Math.min(rows, WARM_UP_ROWS);
    Map<String, String> arguments = arguments(name, spec, limit);
    arguments.put("run.progress-seconds", "0");
    arguments.put("output.report", "off");
    job(spark, arguments).run();
    deleteTree(table(name));
  }

  private static BatchInferenceJob job(SparkSession spark, Map<String, String> arguments) {
    JobConfig config = JobConfig.parse(Optional.empty(), Map.of(), arguments);
    return new BatchInferenceJob(spark, config, System.err);
  }

  private Map<String, String> arguments(String name, String spec, int limit) {
    Map<String, String> arguments = new LinkedHashMap<>();
    arguments.put("model", model);
    arguments.put("depth", spec);
    arguments.put("input.path", table("mails").toString());
    arguments.put("input.query", "SELECT * FROM input WHERE split = 'test'");
    arguments.put("input.limit", String.valueOf(limit));
    arguments.put("input.key-column", "id");
    arguments.put("prompt.column", "content");
    arguments.put("sampling.max-tokens", "96");
    arguments.put("output.path", table(name).toString());
    arguments.put("run.rows-per-task", "128");
    return arguments;
  }

  private Path table(String name) {
    return folder.resolve(name);
  }

  private void view(SparkSession spark, String name) {
    spark.read().parquet(table(name).toString()).createOrReplaceTempView(name);
  }

  private static void deleteTree(Path root) throws IOException {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> files = Files.walk(root)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
