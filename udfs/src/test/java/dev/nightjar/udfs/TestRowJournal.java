package dev.nightjar.udfs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.MapPartitionsFunction;
import org.apache.spark.sql.Encoders;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Notes of tasks and rows, over the attempts of a task that Spark makes. */
class TestRowJournal {
  private static final String ROW = "row 17";
  private static final String NOTE =
      UUID.nameUUIDFromBytes(ROW.getBytes(StandardCharsets.UTF_8)).toString();

  private static final long TOUCH_NANOS = 50_000_000L;

  private static SparkSession spark;

  @TempDir private Path folder;

  /** What a task does with its journal; the text comes back. */
  private interface Body extends MapPartitionsFunction<Long, String> {
    String call(RowJournal journal, TaskContext task);

    @Override
    default java.util.Iterator<String> call(java.util.Iterator<Long> rows) {
      TaskContext task = TaskContext.get();
      return List.of(call(RowJournal.of(task), task)).iterator();
    }
  }

  @BeforeAll
  static void open() {
    spark =
        SparkSession.builder()
            .master("local[1,4]")
            .config("spark.ui.enabled", "false")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .getOrCreate();
  }

  @AfterAll
  static void close() {
    spark.stop();
  }

  private String run(String chunk, Body body) {
    RowJournal.use(spark.sparkContext(), folder.toUri().toString(), 3, Duration.ZERO);
    RowJournal.chunk(spark.sparkContext(), chunk);
    try {
      return spark.range(0, 1, 1, 1).mapPartitions(body, Encoders.STRING()).first();
    } finally {
      RowJournal.forget(spark.sparkContext());
    }
  }

  private static String admitted(RowJournal journal) {
    return journal.admit(ROW, new Prompt.Text("text")) instanceof Prompt.Invalid(var error)
        ? error.code().name()
        : "admitted";
  }

  private static String fail() {
    throw new IllegalStateException("of the row");
  }

  private List<String> notes(String kind) {
    String[] names = folder.resolve(kind).toFile().list((at, name) -> !name.startsWith("."));
    return names == null ? List.of() : Arrays.stream(names).sorted().toList();
  }

  @Test
  void aTaskThatEndsWellLeavesNothing() {
    assertThat(run("0", (journal, task) -> admitted(journal) + journal.isCareful()))
        .isEqualTo("admittedfalse");
    assertThat(notes(RowJournal.TASKS)).isEmpty();
    assertThat(notes("rows")).isEmpty();
  }

  @Test
  void aRowThatFailsItsTaskAloneIsSetAside() {
    Body body =
        (journal, task) ->
            admitted(journal).equals("admitted") && journal.isCareful()
                ? journal.alone(ROW, TestRowJournal::fail)
                : task.attemptNumber() < 2 ? fail() : admitted(journal) + task.attemptNumber();
    assertThat(run("0", body)).isEqualTo("QUARANTINED3");
    assertThat(notes("rows")).containsExactly(NOTE);
    assertThat(run("1", (journal, task) -> admitted(journal))).isEqualTo("QUARANTINED");
  }

  @Test
  void forerunnersOfAnotherRunCount() {
    assertThatThrownBy(() -> run("0", (journal, task) -> fail())).isNotNull();
    assertThat(run("0", (journal, task) -> "" + journal.isCareful())).isEqualTo("true");
    assertThat(run("8", (journal, task) -> "" + journal.isCareful())).isEqualTo("false");
  }

  @Test
  void errorsOfRowsAreNotTheTasksFault() {
    Body body =
        (journal, task) -> {
          throw new EngineException(ErrorCode.CONTEXT_OVERFLOW, "too long");
        };
    assertThatThrownBy(() -> run("0", body)).hasMessageContaining("too long");
    assertThat(notes(RowJournal.TASKS)).isEmpty();
    makeCareful();
    Body alone = (journal, task) -> journal.alone(ROW, () -> body.call(journal, task));
    assertThatThrownBy(() -> run("0", alone)).hasMessageContaining("too long");
    assertThat(notes("rows")).isEmpty();
  }

  /** Two earlier attempts at chunk "0" seem to have died. */
  private void makeCareful() {
    for (int i = 0; i < 2; i++) {
      put(RowJournal.TASKS, "0-0-" + i);
    }
  }

  private void put(String kind, String name) {
    try {
      Files.createDirectories(folder.resolve(kind));
      Files.writeString(folder.resolve(kind).resolve(name), "\n");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aRowThatAnotherCopyOfTheTaskIsAtIsNotSetAside() throws IOException, InterruptedException {
    makeCareful();
    put("rows", NOTE);
    Path note = folder.resolve("rows").resolve(NOTE);
    Thread copy =
        Thread.ofVirtual()
            .start(() -> {
              long millis = System.currentTimeMillis();
              while (!Thread.currentThread().isInterrupted()) {
                try {
                  Files.setLastModifiedTime(note, FileTime.fromMillis(millis++));
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
                LockSupport.parkNanos(TOUCH_NANOS);
              }
            });
    assertThat(run("0", (journal, task) -> admitted(journal))).isEqualTo("admitted");
    copy.interrupt();
    copy.join();
    assertThat(run("0", (journal, task) -> admitted(journal))).isEqualTo("QUARANTINED");
  }

  @Test
  void onlyTheSecondExitOfTheProcessCounts() {
    makeCareful();
    String path = folder.toString();
    Body body =
        (journal, task) ->
            journal.alone(
                ROW,
                () -> {
                  journal.exit();
                  String[] names =
                      Path.of(path, "rows").toFile().list((at, n) -> !n.startsWith("."));
                  return Arrays.stream(names).sorted().toList().toString();
                });
    assertThat(run("0", body)).isEqualTo("[" + NOTE + ".exit]");
    assertThat(notes("rows")).isEmpty();
    put("rows", NOTE + ".exit");
    assertThat(run("0", body)).isEqualTo("[" + NOTE + ", " + NOTE + ".exit]");
  }
}
