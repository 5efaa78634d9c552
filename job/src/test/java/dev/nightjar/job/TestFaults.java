package dev.nightjar.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nightjar.udfs.ExecutorEngines;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
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
  private static final int LEAST_FAULTS = 30;
  private static final long PAUSE_NANOS = 1_500_000_000L;
  private static final String FULL_BYTES = "spark.hadoop." + FullFileSystem.BYTES;

  /** What each process can write. */
  private static final int DISK_BYTES = 60_000;

  /** Where a row's key is first used in the engine. */
  private static final String ROW_CONTEXT = "dev.nightjar.engine.depth.Hashing";

  private static final String[] THREE_TASKS = {
    "run.rows-per-chunk", String.valueOf(ClusterRuns.ROWS_PER_TASK * FaultPlugin.TASKS_PER_CHUNK)
  };
  private static final Map<String, String> MANY_TRIES = Map.of("spark.task.maxFailures", "20");

  @TempDir private static Path shared;
  private ClusterRuns runs;
  private final Map<String, Integer> faults = new TreeMap<>();
  private final List<Path> outputs = new ArrayList<>();

  @BeforeAll
  void start() throws IOException {
    runs = new ClusterRuns(shared);
  }

  /** All tables against the one that nothing disturbed. */
  @AfterAll
  void compare() throws IOException {
    runs.close();
    SparkSession spark = JobRuns.session("local[2]");
    try {
      Map<String, String> expected = runs.undisturbed(spark);
      assertThat(expected).hasSize(ClusterRuns.ROWS);
      for (Path output : outputs) {
        assertThat(JobRuns.results(spark, output).count())
            .as(output.toString())
            .isEqualTo(ClusterRuns.ROWS);
        assertThat(ClusterRuns.answers(spark, output)).as(output.toString()).isEqualTo(expected);
        assertThat(output.resolve("_SUCCESS")).exists();
        assertThat(ClusterRuns.isPublishing(output)).isFalse();
      }
    } finally {
      spark.stop();
      ExecutorEngines.closeIdle();
    }
    int sum = faults.values().stream().mapToInt(Integer::intValue).sum();
    faults.forEach((kind, number) -> System.out.printf("%4d  %s%n", number, kind));
    System.out.printf("%4d  faults, %d tables as undisturbed%n", sum, outputs.size());
    assertThat(sum).as("faults %s", faults).isGreaterThanOrEqualTo(LEAST_FAULTS);
  }

  @Test
  void executorsAreKilledFromOutside() throws IOException {
    Path output = output("killed");
    StandaloneCluster.Driver driver = runs.start(output, MANY_TRIES);
    for (int kills = 0; driver.isAlive() && kills < 6; ) {
      int chunks = ClusterRuns.chunks(output);
      List<ProcessHandle> executors = executorsAtWork(driver, output);
      if (!executors.isEmpty()) {
        executors.get(kills % executors.size()).destroyForcibly();
        kills++;
        count("kill -9 of an executor");
      }
      ClusterRuns.await(() -> !driver.isAlive() || ClusterRuns.chunks(output) > chunks);
    }
    assertThat(driver.exitCode()).as(driver.log()).isZero();
  }

  @Test
  void executorsDieInTheMiddleOfTasks() throws IOException {
    count(
        "executor died in a task",
        3,
        runs.run(output("halted"), FaultPlugin.Fault.HALT, MANY_TRIES));
  }

  @Test
  void tasksFailInTheMiddle() throws IOException {
    count(
        "task interrupted",
        5,
        runs.run(output("interrupted"), FaultPlugin.Fault.INTERRUPT, Map.of()));
  }

  @Test
  void slowTasksAreRunTwice() throws IOException {
    Map<String, String> speculation =
        Map.of(
            "spark.speculation", "true",
            "spark.speculation.interval", "50ms",
            "spark.speculation.multiplier", "1.1",
            "spark.speculation.quantile", "0.1",
            "spark.speculation.minTaskRuntime", "50ms",
            "spark.locality.wait", "0");
    int slow = runs.run(output("speculated"), FaultPlugin.Fault.SLOW, speculation);
    count("slow task with speculation", 1, slow);
  }

  @Test
  void driverIsKilledAtEveryTurn() throws IOException {
    Path output = output("driver");
    List<BooleanSupplier> moments =
        List.of(
            () -> Files.exists(output.resolve("_nightjar/lock.json")),
            () -> Files.exists(output.resolve("_nightjar/runs")),
            () -> ClusterRuns.isWriting(output),
            () -> ClusterRuns.chunks(output) >= 1,
            () -> ClusterRuns.chunks(output) >= 1 && ClusterRuns.isWriting(output),
            () -> ClusterRuns.isPublishing(output),
            () -> ClusterRuns.chunks(output) >= 3 && ClusterRuns.isWriting(output),
            () -> ClusterRuns.chunks(output) >= 4 && ClusterRuns.isPublishing(output));
    for (BooleanSupplier moment : moments) {
      StandaloneCluster.Driver driver = runs.start(output, Map.of());
      long begun = System.nanoTime();
      ClusterRuns.await(() -> !driver.isAlive() || runs.executors().size() == 2);
      ClusterRuns.await(() -> !driver.isAlive() || moment.getAsBoolean());
      LockSupport.parkNanos((System.nanoTime() - begun) % 3 * 5_000_000L);
      if (driver.isAlive()) {
        driver.kill();
        count("kill -9 of the driver");
      }
      ClusterRuns.await(() -> runs.executors().isEmpty());
    }
    StandaloneCluster.Driver last = runs.start(output, Map.of());
    assertThat(last.exitCode()).as(last.log()).isZero();
    StandaloneCluster.Driver again = runs.start(output, Map.of());
    assertThat(again.exitCode()).as(again.log()).isZero();
    assertThat(again.out()).contains("\"skipped_resume\":" + ClusterRuns.ROWS);
  }

  /** The one that stood still must write nothing more. */
  @Test
  void aDriverThatStandsStillIsReplaced() throws IOException {
    Path output = output("replaced");
    Map<String, String> half = Map.of("spark.cores.max", "1");
    StandaloneCluster.Driver first = runs.start(output, half);
    ClusterRuns.await(() -> ClusterRuns.chunks(output) >= 1 && ClusterRuns.isWriting(output));
    ClusterRuns.signal("STOP", first.process());
    count("driver stopped, another one took over");
    StandaloneCluster.Driver second = runs.start(output, half);
    assertThat(second.exitCode()).as(second.log()).isZero();
    ClusterRuns.signal("CONT", first.process());
    assertThat(first.exitCode()).as(first.log()).isEqualTo(1);
    assertThat(first.out()).contains("\"status\":\"failed\"");
  }

  @Test
  void executorsAreDecommissioned() throws IOException {
    Path output = output("decommissioned");
    StandaloneCluster.Driver driver =
        runs.start(output, Map.of("spark.decommission.enabled", "true"));
    for (int asked = 0; driver.isAlive() && asked < 2; ) {
      int chunks = ClusterRuns.chunks(output);
      List<ProcessHandle> executors = executorsAtWork(driver, output);
      if (!executors.isEmpty()) {
        ClusterRuns.signal("PWR", executors.getFirst());
        asked++;
        count("decommission of an executor");
      }
      ClusterRuns.await(() -> !driver.isAlive() || ClusterRuns.chunks(output) > chunks + 1);
    }
    assertThat(driver.exitCode()).as(driver.log()).isZero();
  }

  /** Rows that were running meanwhile are over their time; they are tried again. */
  @Test
  void executorsStandStillForLongerThanARowMayRun() throws IOException {
    Path output = output("paused");
    String[] limited = {"errors.row-timeout", "1s", "errors.max-error-rate", "1"};
    StandaloneCluster.Driver driver = runs.start(output, Map.of(), limited);
    for (int pauses = 0; driver.isAlive() && pauses < 3; ) {
      int chunks = ClusterRuns.chunks(output);
      for (ProcessHandle executor : executorsAtWork(driver, output)) {
        ClusterRuns.signal("STOP", executor);
        LockSupport.parkNanos(PAUSE_NANOS);
        ClusterRuns.signal("CONT", executor);
        pauses++;
        count("executor stood still");
      }
      ClusterRuns.await(() -> !driver.isAlive() || ClusterRuns.chunks(output) > chunks);
    }
    assertThat(driver.exitCode()).as(driver.log()).isZero();
    StandaloneCluster.Driver retry = runs.start(output, Map.of(), "run.retry-errors", "retriable");
    assertThat(retry.exitCode()).as(retry.log()).isZero();
  }

  @Test
  void aFullDiskEndsTheRunAndTheNextGoesOn() throws IOException {
    Path output = output("full");
    String url = "full://" + output;
    String type = FullFileSystem.class.getName();
    for (int i = 0; i < 2; i++) {
      Map<String, String> disk =
          Map.of(FullFileSystem.MOUNT, type, FULL_BYTES, String.valueOf(DISK_BYTES));
      StandaloneCluster.Driver driver = runs.start(output, disk, "output.path", url);
      assertThat(driver.exitCode()).as(driver.log()).isEqualTo(1);
      assertThat(driver.out()).contains("\"status\":\"failed\"").contains("no space is left for");
      assertThat(output.resolve("_SUCCESS")).doesNotExist();
      count("full disk");
    }
    Map<String, String> room =
        Map.of(FullFileSystem.MOUNT, type, FULL_BYTES, String.valueOf(Long.MAX_VALUE));
    StandaloneCluster.Driver last = runs.start(output, room, "output.path", url);
    assertThat(last.exitCode()).as(last.log()).isZero();
  }

  @Test
  void aRowThatKillsItsProcessIsSetAside() throws IOException {
    Path output = output("poison");
    int deaths = runs.run(output, FaultPlugin.Fault.POISON, MANY_TRIES, THREE_TASKS);
    count("executor killed by a row", 3, deaths);
    rowIsSetAside(output);
  }

  /** The process that dies is the whole run: the same command again and again passes the row. */
  @Test
  void aRowThatKillsALocalRunIsSetAside() throws IOException {
    Path output = output("local");
    Map<String, String> local = Map.of("spark.master", "local[2]");
    int deaths = runs.run(output, FaultPlugin.Fault.POISON, local, THREE_TASKS);
    count("local run killed by a row", 3, deaths);
    rowIsSetAside(output);
  }

  @Test
  void aRowWhoseProcessStandsStillIsSetAside() throws IOException {
    Path output = output("still");
    Map<String, String> impatient =
        Map.of(
            "spark.task.maxFailures", "20",
            "spark.executor.heartbeatInterval", "1s",
            "spark.network.timeout", "10s",
            "spark.network.timeoutInterval", "1s");
    int deaths = runs.run(output, FaultPlugin.Fault.HANG, impatient, THREE_TASKS);
    count("executor killed or stopped by a row", 3, deaths);
    rowIsSetAside(output);
  }

  /** Only the row's thread hangs: the process lives, and Spark sees nothing wrong with it. */
  @Test
  void aRowThatHangsInsideTheModelIsSetAside() throws IOException {
    Path output = output("hanging");
    try (Debugger debugger = Debugger.stopAt(ROW_CONTEXT, "of", FaultPlugin.POISON)) {
      String flags = ClusterRuns.EXECUTOR_FLAGS + " " + debugger.flag();
      runs.run(
          output,
          FaultPlugin.Fault.NONE,
          Map.of("spark.task.maxFailures", "20", "spark.executor.extraJavaOptions", flags),
          "errors.row-timeout",
          "1s");
      count("row hangs in the model", 3, debugger.stopped());
    }
    rowIsSetAside(output);
  }

  /** All other rows are as undisturbed; tried again without the fault, this one is, too. */
  private void rowIsSetAside(Path output) throws IOException {
    SparkSession spark = JobRuns.session("local[2]");
    try {
      Map<String, String> expected = runs.undisturbed(spark);
      Map<String, String> found = ClusterRuns.answers(spark, output);
      assertThat(found.remove(FaultPlugin.POISON)).contains("QUARANTINED");
      assertThat(expected.remove(FaultPlugin.POISON)).isNotNull();
      assertThat(found).isEqualTo(expected);
    } finally {
      spark.stop();
    }
    StandaloneCluster.Driver retry = runs.start(output, Map.of(), "run.retry-errors", "retriable");
    assertThat(retry.exitCode()).as(retry.log()).isZero();
    assertThat(retry.out()).contains("\"skipped_resume\":" + (ClusterRuns.ROWS - 1));
  }

  @Test
  void tooManyErrorsHaveAnExitCodeOfTheirOwn() throws IOException {
    Path output = shared.resolve("errors");
    StandaloneCluster.Driver driver =
        runs.start(output, Map.of(), "prompt.max-chars", "40", "errors.max-error-rate", "0.05");
    assertThat(driver.exitCode()).as(driver.log()).isEqualTo(2);
    assertThat(driver.out()).contains("\"status\":\"too_many_errors\"");
  }

  /** The executors at a moment when a chunk is written; none when the run is over. */
  private List<ProcessHandle> executorsAtWork(StandaloneCluster.Driver driver, Path output) {
    ClusterRuns.await(
        () -> !driver.isAlive() || ClusterRuns.isWriting(output) && !runs.executors().isEmpty());
    return driver.isAlive() ? runs.executors() : List.of();
  }

  private Path output(String name) {
    Path output = shared.resolve(name);
    outputs.add(output);
    return output;
  }

  private void count(String kind) {
    count(kind, 1, 1);
  }

  private void count(String kind, int atLeast, int number) {
    assertThat(number).as(kind).isGreaterThanOrEqualTo(atLeast);
    faults.merge(kind, number, Integer::sum);
  }
}
