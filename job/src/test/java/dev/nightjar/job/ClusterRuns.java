package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;

/** Runs of the job on a real cluster that a test disturbs, and what came of each. */
final class ClusterRuns implements AutoCloseable {
  static final int ROWS = 60;
  static final int ROWS_PER_TASK = 4;

  /** Tiny models need no second compiler. */
  static final String EXECUTOR_FLAGS = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC";

  private static final int MOST_RESTARTS = 5;
  private static final long AWAIT_NANOS = 300_000_000_000L;
  private static final long POLL_NANOS = 500_000L;

  private final Path folder;
  private final Path model;
  private final Path input;
  private final Path faultLog;
  private final StandaloneCluster cluster;

  /** Starts the cluster. */
  ClusterRuns(Path folder) throws IOException {
    this.folder = folder;
    model = TinyModel.write(folder.resolve("model"));
    input = JobRuns.input(folder, ROWS);
    faultLog = Files.createDirectories(folder.resolve("faults"));
    cluster = StandaloneCluster.start(folder.resolve("spark"));
  }

  /** The executors that run now. */
  List<ProcessHandle> executors() {
    return cluster.executors();
  }

  /** Starts a run; {@code more} are keys and values of the job. */
  StandaloneCluster.Driver start(Path output, Map<String, String> properties, String... more)
      throws IOException {
    List<String> flags = new ArrayList<>();
    arguments(output, more)
        .forEach((key, value) -> flags.addAll(List.of("--set", key + "=" + value)));
    Map<String, String> all = new HashMap<>();
    all.put("spark.sql.shuffle.partitions", "2");
    all.put("spark.deploy.maxExecutorRetries", "-1");
    all.put("spark.executor.extraJavaOptions", EXECUTOR_FLAGS);
    all.put("spark.driver.extraClassPath", cluster.applicationJar().toString());
    all.put("spark.executor.extraClassPath", cluster.applicationJar().toString());
    all.putAll(properties);
    return cluster.start(BatchInferenceJob.class.getName(), all, flags);
  }

  private Map<String, String> arguments(Path output, String... more) {
    Map<String, String> arguments =
        JobRuns.arguments(
            model,
            input,
            output,
            "sampling.max-tokens",
            "48",
            "run.rows-per-task",
            String.valueOf(ROWS_PER_TASK),
            "run.rows-per-chunk",
            String.valueOf(2 * ROWS_PER_TASK),
            "run.progress-seconds",
            "0");
    for (int i = 0; i < more.length; i += 2) {
      arguments.put(more[i], more[i + 1]);
    }
    return arguments;
  }

  /**
   * Runs with faults from inside the executors until a run ends well.
   *
   * @return how many faults there were
   */
  int run(Path output, FaultPlugin.Fault fault, Map<String, String> properties, String... more)
      throws IOException {
    Map<String, String> all = new HashMap<>(properties);
    all.put("spark.plugins", FaultPlugin.class.getName());
    all.put(FaultPlugin.FAULTS, fault.name());
    all.put(FaultPlugin.LOG, faultLog.toString());
    StandaloneCluster.Driver driver = start(output, all, more);
    for (int i = 0; i < MOST_RESTARTS && driver.exitCode() != 0; i++) {
      System.out.println(fault + ": the run failed, its command is repeated");
      driver = start(output, all, more);
    }
    assertThat(driver.exitCode()).as(driver.log()).isZero();
    try (Stream<Path> files = Files.list(faultLog)) {
      List<Path> found = files.toList();
      for (Path file : found) {
        Files.delete(file);
      }
      return found.size();
    }
  }

  /** The answers of a run in this JVM that nothing disturbs. */
  Map<String, String> undisturbed(SparkSession spark) {
    Path output = folder.resolve("undisturbed");
    JobRuns.run(spark, arguments(output));
    return answers(spark, output);
  }

  /**
   * All of each row that must be the same whatever happened, as JSON, by key: every {@code text},
   * and how it came about.
   */
  static Map<String, String> answers(SparkSession spark, Path output) {
    Dataset<Row> rows =
        JobRuns.results(spark, output)
            .selectExpr(
                "custom_id",
                "to_json(struct(id, body, status, text, finish_reason, error, cumulative_logprob,"
                    + " usage.prompt_tokens, usage.completion_tokens, options))");
    Map<String, String> answers = new TreeMap<>();
    for (Row row : rows.collectAsList()) {
      answers.put(row.getString(0), row.getString(1));
    }
    return answers;
  }

  /** As {@code kill -NAME} does. */
  static void signal(String name, ProcessHandle process) throws IOException {
    try {
      new ProcessBuilder("kill", "-" + name, String.valueOf(process.pid())).start().waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  /** Committed chunks. */
  static int chunks(Path output) {
    return names(output.resolve("_nightjar/chunks"), ".json");
  }

  /** Whether tasks write a chunk. */
  static boolean isWriting(Path output) {
    return names(output.resolve("_nightjar/staging"), "") > 0;
  }

  /** Whether a chunk is being moved into the table. */
  static boolean isPublishing(Path output) {
    return names(output.resolve("_nightjar/publications"), ".json") > 0;
  }

  private static int names(Path folder, String ending) {
    String[] names =
        folder.toFile().list((at, name) -> name.endsWith(ending) && !name.startsWith("."));
    return names == null ? 0 : names.length;
  }

  /** Waits until something is so. */
  static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + AWAIT_NANOS;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("nanoseconds over time").isNegative();
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  @Override
  public void close() throws IOException {
    cluster.close();
  }
}
