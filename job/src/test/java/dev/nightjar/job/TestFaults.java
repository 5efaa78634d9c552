package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.ExecutorEngines;
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
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/**
 * Faults on a real Master and two Workers: whatever dies and whenever, the table has the rows of an
 * undisturbed run, each once, with the same bytes. Run with {@code mvn verify -Pfaults}.
 */
@Tag("slow")
@Tag("faults")
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TestFaults {
  private static final int ROWS = 60;
  private static final int LEAST_FAULTS = 30;
  private static final int MOST_RESTARTS = 5;
  private static final long AWAIT_NANOS = 300_000_000_000L;
  private static final long POLL_NANOS = 500_000L;

  @TempDir private static Path shared;
  private Path model;
  private Path input;
  private StandaloneCluster cluster;
  private final Map<String, Integer> faults = new HashMap<>();
  private final List<Path> outputs = new ArrayList<>();
  private Path faultLog;

  @BeforeAll
  void start() throws IOException {
    model = TinyModel.write(shared.resolve("model"));
    input = JobRuns.input(shared, ROWS);
    faultLog = Files.createDirectories(shared.resolve("faults"));
    cluster = StandaloneCluster.start(shared.resolve("spark"));
  }

  @AfterEach
  void clearLog() throws IOException {
    try (Stream<Path> files = Files.list(faultLog)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
  }

  /** All tables against the one that nothing disturbed. */
  @AfterAll
  void compare() throws IOException {
    cluster.close();
    SparkSession spark = JobRuns.session("local[2]");
    try {
      Map<String, String> expected = undisturbed(spark);
      assertThat(expected).hasSize(ROWS);
      for (Path output : outputs) {
        assertThat(JobRuns.results(spark, output).count()).as(output.toString()).isEqualTo(ROWS);
        assertThat(JobRuns.texts(spark, output)).as(output.toString()).isEqualTo(expected);
        assertThat(output.resolve("_SUCCESS")).exists();
        assertThat(output.resolve("_nightjar/publications").toFile().list()).isNullOrEmpty();
      }
    } finally {
      spark.stop();
      ExecutorEngines.closeIdle();
    }
    System.out.println("faults: " + faults);
    assertThat(faults.values().stream().mapToInt(Integer::intValue).sum())
        .as("faults %s", faults)
        .isGreaterThanOrEqualTo(LEAST_FAULTS);
  }

  @Test
  void executorsAreKilledFromOutside() throws IOException {
    Path output = output("killed");
    StandaloneCluster.Driver driver = start(output, Map.of("spark.task.maxFailures", "20"));
    int kills = 0;
    while (driver.isAlive() && kills < 6) {
      int chunks = chunks(output);
      await(() -> !driver.isAlive() || isWriting(output) && !cluster.executors().isEmpty());
      List<ProcessHandle> executors = cluster.executors();
      if (driver.isAlive() && !executors.isEmpty()) {
        executors.get(kills % executors.size()).destroyForcibly();
        kills++;
        count("kill -9 of an executor");
      }
      await(() -> !driver.isAlive() || chunks(output) > chunks);
    }
    assertThat(driver.exitCode()).as(driver.log()).isZero();
  }

  @Test
  void executorsDieInTheMiddleOfTasks() throws IOException {
    Path output = output("halted");
    run(output, FaultPlugin.Fault.HALT, Map.of("spark.task.maxFailures", "20"));
    count("executor died in a task", logged(), 3);
  }

  @Test
  void tasksFailInTheMiddle() throws IOException {
    Path output = output("interrupted");
    run(output, FaultPlugin.Fault.INTERRUPT, Map.of());
    count("task interrupted", logged(), 5);
  }

  @Test
  void slowTasksAreRunTwice() throws IOException {
    Path output = output("speculated");
    run(
        output,
        FaultPlugin.Fault.SLOW,
        Map.of(
            "spark.speculation", "true",
            "spark.speculation.interval", "50ms",
            "spark.speculation.multiplier", "1.1",
            "spark.speculation.quantile", "0.1",
            "spark.speculation.minTaskRuntime", "50ms",
            "spark.locality.wait", "0"));
    count("slow task with speculation", logged(), 1);
  }

  @Test
  void driverIsKilledAtEveryTurn() throws IOException {
    Path output = output("driver");
    List<BooleanSupplier> moments =
        List.of(
            () -> Files.exists(output.resolve("_nightjar/lock.json")),
            () -> Files.exists(output.resolve("_nightjar/runs")),
            () -> isWriting(output),
            () -> chunks(output) >= 1,
            () -> chunks(output) >= 1 && isWriting(output),
            () -> isPublishing(output),
            () -> chunks(output) >= 3,
            () -> chunks(output) >= 3 && isWriting(output),
            () -> chunks(output) >= 4 && isPublishing(output),
            () -> chunks(output) >= 5);
    for (BooleanSupplier moment : moments) {
      StandaloneCluster.Driver driver = start(output, Map.of());
      long begun = System.nanoTime();
      await(() -> !driver.isAlive() || cluster.executors().size() == 2);
      await(() -> !driver.isAlive() || moment.getAsBoolean());
      LockSupport.parkNanos((System.nanoTime() - begun) % 3 * 5_000_000L);
      if (driver.isAlive()) {
        driver.kill();
        count("kill -9 of the driver");
      }
      await(() -> cluster.executors().isEmpty());
    }
    StandaloneCluster.Driver last = start(output, Map.of());
    assertThat(last.exitCode()).as(last.log()).isZero();
    StandaloneCluster.Driver again = start(output, Map.of());
    assertThat(again.exitCode()).as(again.log()).isZero();
    assertThat(again.out()).contains("\"skipped_resume\":" + ROWS);
  }

  @Test
  void executorsAreDecommissioned() throws IOException {
    Path output = output("decommissioned");
    StandaloneCluster.Driver driver = start(output, Map.of("spark.decommission.enabled", "true"));
    int asked = 0;
    while (driver.isAlive() && asked < 2) {
      int chunks = chunks(output);
      await(() -> !driver.isAlive() || isWriting(output) && !cluster.executors().isEmpty());
      List<ProcessHandle> executors = cluster.executors();
      if (driver.isAlive() && !executors.isEmpty()) {
        new ProcessBuilder("kill", "-PWR", String.valueOf(executors.getFirst().pid())).start();
        asked++;
        count("decommission of an executor");
      }
      await(() -> !driver.isAlive() || chunks(output) > chunks + 1);
    }
    assertThat(driver.exitCode()).as(driver.log()).isZero();
  }

  @Test
  void aRowThatKillsItsProcessIsSetAside() throws IOException {
    Path output = shared.resolve("poisoned");
    run(
        output,
        FaultPlugin.Fault.POISON,
        Map.of("spark.task.maxFailures", "8"),
        "run.rows-per-chunk",
        String.valueOf(4 * FaultPlugin.TASKS_PER_CHUNK));
    count("executor died of a row", logged(), 3);
    SparkSession spark = JobRuns.session("local[2]");
    try {
      Map<String, String> expected = new TreeMap<>(undisturbed(spark));
      assertThat(expected.remove(FaultPlugin.POISON)).isNotNull();
      Dataset<Row> rows = JobRuns.results(spark, output);
      assertThat(rows.count()).isEqualTo(ROWS);
      assertThat(rows.where("error.code = 'QUARANTINED'").select("custom_id").collectAsList())
          .extracting(row -> row.getString(0))
          .containsExactly(FaultPlugin.POISON);
      Map<String, String> found = JobRuns.texts(spark, output);
      found.remove(FaultPlugin.POISON);
      assertThat(found).isEqualTo(expected);
    } finally {
      spark.stop();
    }
  }

  private Map<String, String> undisturbed(SparkSession spark) {
    Path output = shared.resolve("undisturbed");
    JobRuns.run(spark, JobRuns.arguments(model, input, output));
    return JobRuns.texts(spark, output);
  }

  private Path output(String name) {
    Path output = shared.resolve(name);
    outputs.add(output);
    return output;
  }

  private StandaloneCluster.Driver start(
      Path output, Map<String, String> properties, String... more) throws IOException {
    Map<String, String> arguments =
        JobRuns.arguments(
            model,
            input,
            output,
            "run.rows-per-task",
            "4",
            "run.rows-per-chunk",
            "8",
            "run.progress-seconds",
            "0");
    for (int i = 0; i < more.length; i += 2) {
      arguments.put(more[i], more[i + 1]);
    }
    List<String> flags = new ArrayList<>();
    arguments.forEach((key, value) -> flags.addAll(List.of("--set", key + "=" + value)));
    Map<String, String> all = new HashMap<>(properties);
    all.put("spark.sql.shuffle.partitions", "2");
    all.put("spark.deploy.maxExecutorRetries", "-1");
    return cluster.start(BatchInferenceJob.class.getName(), all, flags);
  }

  private void run(
      Path output, FaultPlugin.Fault fault, Map<String, String> properties, String... more)
      throws IOException {
    Map<String, String> all = new HashMap<>(properties);
    all.put("spark.plugins", FaultPlugin.class.getName());
    all.put(FaultPlugin.FAULTS, fault.name());
    all.put(FaultPlugin.LOG, faultLog.toString());
    StandaloneCluster.Driver driver = start(output, all, more);
    for (int i = 0; i < MOST_RESTARTS && driver.exitCode() != 0; i++) {
      driver = start(output, all, more);
      count("run failed, command repeated");
    }
    assertThat(driver.exitCode()).as(driver.log()).isZero();
  }

  private int logged() throws IOException {
    try (Stream<Path> files = Files.list(faultLog)) {
      return (int) files.count();
    }
  }

  private void count(String kind) {
    faults.merge(kind, 1, Integer::sum);
  }

  private void count(String kind, int number, int atLeast) {
    assertThat(number).as(kind).isGreaterThanOrEqualTo(atLeast);
    faults.merge(kind, number, Integer::sum);
  }

  /** Committed chunks. */
  private static int chunks(Path output) {
    return names(output.resolve("_nightjar/chunks"), ".json");
  }

  /** Whether tasks write a chunk. */
  private static boolean isWriting(Path output) {
    return names(output.resolve("_nightjar/staging"), "") > 0;
  }

  private static boolean isPublishing(Path output) {
    return names(output.resolve("_nightjar/publications"), ".json") > 0;
  }

  private static int names(Path folder, String ending) {
    String[] names =
        folder.toFile().list((at, name) -> name.endsWith(ending) && !name.startsWith("."));
    return names == null ? 0 : names.length;
  }

  private static void await(BooleanSupplier condition) {
    long deadline = System.nanoTime() + AWAIT_NANOS;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline).as("nanoseconds over time").isNegative();
      LockSupport.parkNanos(POLL_NANOS);
    }
  }
}
