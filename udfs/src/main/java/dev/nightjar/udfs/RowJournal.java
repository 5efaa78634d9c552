package dev.nightjar.udfs;

import dev.nightjar.engine.api.EngineException;
import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.util.ShutdownHookManager;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.shuffle.FetchFailedException;
import org.apache.spark.util.TaskCompletionListener;
import org.apache.spark.util.TaskFailureListener;

/**
 * Finds rows that end their process, from notes in a folder that outlives it. Every task leaves a
 * note while it runs. One whose forerunners died or failed often enough, in this run or an earlier
 * one, runs its rows one at a time and leaves a note for each; a row whose note was left behind is
 * set aside from then on. Spark's own count of attempts would not do: it begins again whenever a
 * lost executor takes shuffle files along. One per task.
 *
 * <p>A row's note is not left behind by a task that was cancelled, nor by another copy of the task
 * that is still at the row: notes of running rows are touched all the time. A process that was
 * asked to exit (its driver is gone, its node is taken away) leaves another note first; only the
 * second such exit in the same row counts. While a row runs alone, no other task of the process
 * runs any, so that the note names the row that did it.
 */
public final class RowJournal {
  /** The folder of tasks' notes below the journal's; needed only until their chunk is committed. */
  public static final String TASKS = "tasks";

  private static final String ROWS = "rows";
  private static final String FOLDER = "nightjar.journal";
  private static final String CHUNK = "nightjar.journal.chunk";
  private static final String ATTEMPTS = "nightjar.journal.attempts";
  private static final String ROW_TIMEOUT = "nightjar.row-timeout";

  /** Ending of the note of a row whose process was asked to exit. */
  private static final String EXITED = ".exit";

  private static final Duration BEAT = Duration.ofMillis(500);
  private static final Duration STALE = BEAT.multipliedBy(6);

  /** Before Hadoop closes its file systems. */
  private static final int EXIT_PRIORITY = FileSystem.SHUTDOWN_HOOK_PRIORITY + 40;

  /** Held for reading by tasks that run many rows, for writing by a row that runs alone. */
  private static final ReadWriteLock ROWS_OF_PROCESS = new ReentrantReadWriteLock(true);

  private final TaskContext task;
  private final NoteFolder notes;
  private final Set<String> left;
  private final boolean careful;
  private String running;

  private RowJournal(TaskContext task, NoteFolder notes, Set<String> left, boolean careful) {
    this.task = task;
    this.notes = notes;
    this.left = left;
    this.careful = careful;
  }

  /**
   * Sets up the jobs that this thread starts from now on.
   *
   * @param folder where notes are kept, seen by all executors
   * @param attempts of a task that may die on a row before the row is set aside, at least 2
   * @param rowTimeout how long a row may run; zero is no limit
   */
  public static void use(SparkContext context, String folder, int attempts, Duration rowTimeout) {
    context.setLocalProperty(FOLDER, folder);
    context.setLocalProperty(ATTEMPTS, String.valueOf(attempts));
    context.setLocalProperty(ROW_TIMEOUT, String.valueOf(rowTimeout.toMillis()));
  }

  /** Names the chunk of the next jobs; the same rows should get the same name in another run. */
  public static void chunk(SparkContext context, String name) {
    context.setLocalProperty(CHUNK, name);
  }

  /** Ends what {@link #use} began. */
  public static void forget(SparkContext context) {
    context.setLocalProperty(FOLDER, null);
    context.setLocalProperty(CHUNK, null);
    context.setLocalProperty(ATTEMPTS, null);
    context.setLocalProperty(ROW_TIMEOUT, null);
  }

  /** How long a row of a task may run; zero is no limit. */
  static Duration rowTimeout(TaskContext task) {
    String millis = task.getLocalProperty(ROW_TIMEOUT);
    return millis == null ? Duration.ZERO : Duration.ofMillis(Long.parseLong(millis));
  }

  /** The journal of a task; one that notes nothing where there is no folder for it. */
  static RowJournal of(TaskContext task) {
    String name = task.getLocalProperty(FOLDER);
    if (name == null) {
      return new RowJournal(task, null, Set.of(), false);
    }
    Path folder = new Path(name);
    FileSystem files;
    try {
      files = HadoopFiles.of(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + " could not be read: " + e.getMessage(), e);
    }
    int died = enter(task, new NoteFolder(files, new Path(folder, TASKS)));
    NoteFolder notes = new NoteFolder(files, new Path(folder, ROWS));
    boolean careful = died >= Integer.parseInt(task.getLocalProperty(ATTEMPTS)) - 1;
    RowJournal journal = new RowJournal(task, notes, left(notes, careful), careful);
    if (careful) {
      journal.watch();
    }
    return journal;
  }

  /** Leaves the task's note; how many forerunners died or failed. */
  private static int enter(TaskContext task, NoteFolder tasks) {
    String prefix = task.getLocalProperty(CHUNK) + "-" + task.partitionId() + "-";
    int died = (int) tasks.all().keySet().stream().filter(n -> n.startsWith(prefix)).count();
    String own = prefix + UUID.randomUUID();
    tasks.put(own);
    boolean[] failed = new boolean[1];
    TaskFailureListener failure = (context, error) -> failed[0] = !isHarmless(context, error);
    task.addTaskFailureListener(failure);
    TaskCompletionListener end =
        context -> {
          if (!failed[0]) {
            tasks.remove(own);
          }
        };
    task.addTaskCompletionListener(end);
    return died;
  }

  /** Whether a task failed for another reason than what a row did to it. */
  private static boolean isHarmless(TaskContext task, Throwable error) {
    for (Throwable t = error; t != null; t = t.getCause()) {
      if (t instanceof FetchFailedException || t instanceof EngineException) {
        return true;
      }
    }
    return task.isInterrupted();
  }

  /** Rows whose notes were left behind. */
  private static Set<String> left(NoteFolder notes, boolean careful) {
    Map<String, Long> found = new HashMap<>(notes.all());
    if (careful && !found.isEmpty()) {
      LockSupport.parkNanos(STALE.toNanos());
      found.entrySet().retainAll(notes.all().entrySet());
    }
    found.keySet().removeIf(name -> name.endsWith(EXITED));
    return found.keySet();
  }

  /** Touches the running row's note until the task ends; tells of an exit of the process. */
  private void watch() {
    ScheduledExecutorService heart =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("nightjar-journal").factory());
    heart.scheduleWithFixedDelay(
        this::beat, BEAT.toMillis(), BEAT.toMillis(), TimeUnit.MILLISECONDS);
    Runnable exit = this::exit;
    ShutdownHookManager.get().addShutdownHook(exit, EXIT_PRIORITY);
    TaskCompletionListener stop =
        context -> {
          heart.shutdownNow();
          if (!ShutdownHookManager.get().isShutdownInProgress()) {
            ShutdownHookManager.get().removeShutdownHook(exit);
          }
        };
    task.addTaskCompletionListener(stop);
  }

  private synchronized void beat() {
    if (running != null) {
      notes.put(running);
    }
  }

  /** The process was asked to exit. */
  synchronized void exit() {
    if (running != null && !notes.all().containsKey(running + EXITED)) {
      notes.put(running + EXITED);
      notes.remove(running);
      running = null;
    }
  }

  /** Whether rows must run alone. */
  boolean isCareful() {
    return careful;
  }

  /** The row's prompt, or that of a row that is set aside. */
  Prompt admit(String key, Prompt prompt) {
    if (!left.contains(name(key))) {
      return prompt;
    }
    return new Prompt.Invalid(
        new RowError(
            ErrorCode.QUARANTINED,
            "the process died or the task failed when this row ran; the row was set aside"));
  }

  /** Runs rows of which it is not known which one comes back first. */
  boolean among(BooleanSupplier rows) {
    ROWS_OF_PROCESS.readLock().lock();
    try {
      return rows.getAsBoolean();
    } finally {
      ROWS_OF_PROCESS.readLock().unlock();
    }
  }

  /** Runs a row by itself, with a note that stays when the row does not come back. */
  <T> T alone(String key, Supplier<T> row) {
    String note = name(key);
    ROWS_OF_PROCESS.writeLock().lock();
    try {
      return left.contains(note) ? row.get() : noted(note, row);
    } finally {
      ROWS_OF_PROCESS.writeLock().unlock();
    }
  }

  private <T> T noted(String note, Supplier<T> row) {
    boolean survived = false;
    begin(note);
    try {
      T answer = row.get();
      survived = true;
      return answer;
    } catch (EngineException e) {
      survived = true;
      throw e;
    } finally {
      end(note, survived);
    }
  }

  private synchronized void begin(String note) {
    notes.put(note);
    running = note;
  }

  private synchronized void end(String note, boolean survived) {
    running = null;
    if (survived) {
      notes.remove(note + EXITED);
    }
    if (survived || task.isInterrupted()) {
      notes.remove(note);
    }
  }

  private static String name(String key) {
    return UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)).toString();
  }
}
