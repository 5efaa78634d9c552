package dev.nightjar.job;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;

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

  /** Tasks of a chunk, where it matters. */
  static final int TASKS_PER_CHUNK = 3;

  private static final double SHARE = 0.3;

  /** What happens to a task. */
  enum Fault {
    /** It is interrupted and fails. */
    INTERRUPT,
    /** Its executor dies while it runs. */
    HALT,
    /** It is slow on one executor, so that a copy of it is started on the other one. */
    SLOW,
    /**
     * A row kills whoever runs it: the second task of each chunk dies twice, and after that whoever
     * runs the row {@link #POISON} alone.
     */
    POISON
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
      if (fault == Fault.POISON) {
        poison(task);
        return;
      }
      if (task.attemptNumber() > 0 || random.nextDouble() > SHARE) {
        return;
      }
      switch (fault) {
        case INTERRUPT -> {
          note(task);
          Thread victim = Thread.currentThread();
          later(() -> {
            LockSupport.parkNanos(20_000_000L);
            victim.interrupt();
          });
        }
        case HALT -> {
          note(task);
          later(() -> {
            LockSupport.parkNanos(20_000_000L);
            Runtime.getRuntime().halt(137);
          });
        }
        case SLOW -> {
          if (Integer.parseInt(SparkEnv.get().executorId()) % 2 == 0) {
            note(task);
            LockSupport.parkNanos(4_000_000_000L);
          }
        }
        case POISON -> {
          // See above.
        }
      }
    }

    private void poison(TaskContext task) {
      String journal = task.getLocalProperty("nightjar.journal");
      if (journal == null || task.numPartitions() != TASKS_PER_CHUNK || task.partitionId() != 1) {
        return;
      }
      if (task.attemptNumber() < 2) {
        note(task);
        Runtime.getRuntime().halt(137);
      }
      Path note =
          Path.of(URI.create(journal))
              .resolve(UUID.nameUUIDFromBytes(POISON.getBytes(StandardCharsets.UTF_8)).toString());
      if (Files.exists(note)) {
        return;
      }
      later(() -> {
        while (!task.isCompleted()) {
          if (Files.exists(note)) {
            note(task);
            Runtime.getRuntime().halt(137);
          }
        }
      });
    }

    private static void later(Runnable body) {
      Thread.ofPlatform().daemon().start(body);
    }

    private void note(TaskContext task) {
      try {
        Files.createFile(log.resolve(fault + "-" + task.taskAttemptId() + "-" + System.nanoTime()));
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
