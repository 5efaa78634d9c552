package dev.nightjar.job;

import dev.nightjar.udfs.RowJournal;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.apache.spark.util.TaskCompletionListener;

/**
 * Faults inside executors, for tests on a cluster. Property {@value #FAULTS} says which; some tasks
 * are hit, on their first attempt only. Every fault leaves a file in the folder of property {@value
 * #LOG}.
 */
public final class FaultPlugin implements SparkPlugin {
  static final String FAULTS = "spark.nightjartest.faults";
  static final String LOG = "spark.nightjartest.log";

  /** Key of the row that kills. */
  static final String POISON = "5";

  /** The note of that row. */
  static final String POISON_NOTE =
      UUID.nameUUIDFromBytes(POISON.getBytes(StandardCharsets.UTF_8)).toString();

  /** Tasks of a chunk, where it matters. */
  static final int TASKS_PER_CHUNK = 3;

  /** Chunks in which it happens, by the rows before them; {@link #POISON} is in the first one. */
  private static final Set<String> CHUNKS = Set.of("0", "12");

  /** How many tasks are hit. */
  private static final double SHARE = 0.2;

  private static final long SOON_NANOS = 20_000_000L;

  /** What happens to a task. */
  enum Fault {
    /** It is interrupted and fails. */
    INTERRUPT,
    /** Its executor dies while it runs. */
    HALT,
    /** It is slow on one executor, so that a copy of it is started on the other one. */
    SLOW,
    /**
     * A row kills whoever runs it: the second task of two chunks until it is careful, the first
     * time by an orderly exit, and after that whoever runs the row {@link #POISON} alone.
     */
    POISON,
    /** The same, but whoever runs the row alone stops for good instead of dying. */
    HANG,
    /** None from here. */
    NONE
  }

  @Override
  public DriverPlugin driverPlugin() {
    return null;
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new Saboteur();
  }

  private static final class Saboteur implements ExecutorPlugin {
    private final Random random = new Random(ProcessHandle.current().pid());
    private Fault fault;
    private Path log;

    @Override
    public void init(PluginContext context, Map<String, String> extraConf) {
      fault = Fault.valueOf(context.conf().get(FAULTS));
      log = Path.of(context.conf().get(LOG));
    }

    @Override
    public void onTaskStart() {
      TaskContext task = TaskContext.get();
      if (fault == Fault.POISON || fault == Fault.HANG) {
        poison(task);
        return;
      }
      if (task.attemptNumber() + task.stageAttemptNumber() > 0 || random.nextDouble() > SHARE) {
        return;
      }
      switch (fault) {
        case INTERRUPT -> {
          note(task);
          Thread victim = Thread.currentThread();
          later(() -> {
            LockSupport.parkNanos(SOON_NANOS);
            victim.interrupt();
          });
        }
        case HALT -> {
          note(task);
          later(() -> {
            LockSupport.parkNanos(SOON_NANOS);
            Runtime.getRuntime().halt(137);
          });
        }
        case SLOW -> {
          if (Integer.parseInt(SparkEnv.get().executorId()) % 2 == 0) {
            note(task);
            LockSupport.parkNanos(4_000_000_000L);
          }
        }
        case POISON, HANG, NONE -> {
          // See above.
        }
      }
    }

    /**
     * A task that runs many rows ends as soon as it has left its note, one that runs them singly as
     * soon as it has left the row's.
     */
    private void poison(TaskContext task) {
      String folder = task.getLocalProperty("nightjar.journal");
      if (folder == null || task.numPartitions() != TASKS_PER_CHUNK || task.partitionId() != 1) {
        return;
      }
      String chunk = task.getLocalProperty("nightjar.journal.chunk");
      if (!CHUNKS.contains(chunk)) {
        return;
      }
      Path journal = Path.of(URI.create(folder));
      Path row = journal.resolve("rows").resolve(POISON_NOTE);
      Path tasks = journal.resolve(RowJournal.TASKS);
      int died = count(tasks, chunk + "-1-");
      boolean first = count(log, fault + "-" + chunk + "-") == 0;
      if (died < 2) {
        endWhen(task, () -> count(tasks, chunk + "-1-") > died, first);
      } else if (Files.exists(row)) {
        return;
      } else if (fault == Fault.HANG) {
        stopAt(row, task);
      } else {
        endWhen(task, () -> Files.exists(row), false);
      }
    }

    private void endWhen(TaskContext task, BooleanSupplier condition, boolean orderly) {
      later(() -> {
        while (!task.isCompleted()) {
          if (condition.getAsBoolean()) {
            note(task);
            if (orderly) {
              System.exit(1);
            }
            Runtime.getRuntime().halt(137);
          }
        }
      });
    }

    private static int count(Path folder, String prefix) {
      String[] names = folder.toFile().list((at, name) -> name.startsWith(prefix));
      return names == null ? 0 : names.length;
    }

    /** Starts a shell that stops this process as soon as the row's note is there. */
    private void stopAt(Path row, TaskContext task) {
      String script = "while [ ! -e '%s' ]; do :; done; : > '%s'; kill -STOP %d";
      Path stopped = log.resolve(name(task));
      long process = ProcessHandle.current().pid();
      try {
        Process shell =
            new ProcessBuilder("sh", "-c", script.formatted(row, stopped, process)).start();
        TaskCompletionListener end = context -> shell.destroyForcibly();
        task.addTaskCompletionListener(end);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static void later(Runnable body) {
      Thread.ofPlatform().daemon().start(body);
    }

    private void note(TaskContext task) {
      try {
        Files.createFile(log.resolve(name(task)));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private String name(TaskContext task) {
      String chunk = task.getLocalProperty("nightjar.journal.chunk");
      return fault + "-" + chunk + "-" + task.taskAttemptId() + "-" + System.nanoTime();
    }
  }
}
