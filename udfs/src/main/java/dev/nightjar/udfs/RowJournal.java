package dev.nightjar.udfs;

import dev.nightjar.engine.api.ErrorCode;
import dev.nightjar.engine.api.Prompt;
import dev.nightjar.engine.api.RowError;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkContext;
import org.apache.spark.TaskContext;
import org.apache.spark.deploy.SparkHadoopUtil;

/**
 * Finds rows that end their process. A task that has failed often enough runs its rows one at a
 * time and notes each in a folder that outlives the process; a row whose note was left behind is
 * set aside from then on. Tasks that do not fail read one folder and write nothing. One per task.
 */
public final class RowJournal {
  private static final String FOLDER = "nightjar.journal";
  private static final String ATTEMPTS = "nightjar.journal.attempts";
  private static final String ROW_TIMEOUT = "nightjar.row-timeout";

  private final FileSystem files;
  private final Path folder;
  private final Set<String> left;
  private final boolean careful;

  private RowJournal(FileSystem files, Path folder, Set<String> left, boolean careful) {
    this.files = files;
    this.folder = folder;
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

  /** Ends what {@link #use} began. */
  public static void forget(SparkContext context) {
    context.setLocalProperty(FOLDER, null);
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
      return new RowJournal(null, null, Set.of(), false);
    }
    Path folder = new Path(name);
    try {
      FileSystem files = folder.getFileSystem(SparkHadoopUtil.get().conf());
      boolean careful =
          task.attemptNumber() >= Integer.parseInt(task.getLocalProperty(ATTEMPTS)) - 1;
      return new RowJournal(files, folder, names(files, folder), careful);
    } catch (IOException e) {
      throw new UncheckedIOException(folder + " could not be read: " + e.getMessage(), e);
    }
  }

  private static Set<String> names(FileSystem files, Path folder) throws IOException {
    Set<String> names = new HashSet<>();
    try {
      for (FileStatus file : files.listStatus(folder)) {
        names.add(file.getPath().getName());
      }
    } catch (FileNotFoundException e) {
      return Set.of();
    }
    return names;
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
            "the process died while this row ran, more than once; the row was set aside"));
  }

  /** Notes that a row starts. */
  void begin(String key) {
    Path note = new Path(folder, name(key));
    try {
      files.mkdirs(folder);
      try (OutputStream out = files.create(note, true)) {
        out.write(key.getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(note + " could not be written: " + e.getMessage(), e);
    }
  }

  /** Notes that a row ended. */
  void end(String key) {
    if (left.contains(name(key))) {
      return;
    }
    Path note = new Path(folder, name(key));
    try {
      files.delete(note, false);
    } catch (IOException e) {
      throw new UncheckedIOException(note + " could not be deleted: " + e.getMessage(), e);
    }
  }

  private static String name(String key) {
    return UUID.nameUUIDFromBytes(key.getBytes(StandardCharsets.UTF_8)).toString();
  }
}
