package dev.nightjar.udfs;

import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.MemoryUse;
import dev.nightjar.engine.api.EngineConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.spark.TaskContext;

/**
 * The engines of this JVM: one per model and configuration, shared by all tasks. An engine is
 * loaded by the first task that needs it while the others wait, and stays loaded when idle until
 * another one is needed, so the next stage finds it warm. Safe for concurrent use.
 */
public final class ExecutorEngines {
  /** The model that the engine's jar carries. */
  public static final String EMBEDDED = "embedded";

  private static final ExecutorEngines INSTANCE = new ExecutorEngines();

  private final Map<Key, Loaded> engines = new LinkedHashMap<>();

  /** The engines as they are, for readers that must not wait while one is loaded. */
  private volatile List<LlmEngine> loadedNow = List.of();

  private volatile long loads;

  private ExecutorEngines() {}

  private record Key(String model, EngineConfig config) {}

  /** An engine and the number of tasks that use it. */
  private static final class Loaded {
    private final LlmEngine engine;
    private int users;

    Loaded(LlmEngine engine) {
      this.engine = engine;
    }
  }

  /** A task's hold on an engine; give it back with {@link #close()}, which may be called twice. */
  public static final class Lease implements AutoCloseable {
    private final Loaded loaded;
    private boolean open = true;

    private Lease(Loaded loaded) {
      this.loaded = loaded;
    }

    /** The engine, valid until the lease is closed. */
    public LlmEngine engine() {
      return loaded.engine;
    }

    @Override
    public void close() {
      INSTANCE.release(this);
    }
  }

  /**
   * Borrows the engine of this model and configuration, loading it if this JVM has not got it. A
   * configuration that leaves the number of cores open takes those of the caller's Spark task.
   */
  public static Lease acquire(String model, EngineConfig config) {
    return INSTANCE.lease(new Key(model, withCores(config, TaskContext.get())));
  }

  /**
   * The configuration with its number of cores settled.
   *
   * @param task the caller's, or null outside of one
   */
  static EngineConfig withCores(EngineConfig config, TaskContext task) {
    EngineConfig.Host host = config.host();
    if (host.parallelism() > 0) {
      return config;
    }
    int cores = task == null ? 1 : Math.max(1, task.cpus());
    return config.withHost(new EngineConfig.Host(cores, host.packedCache()));
  }

  /** Number of engines loaded since this JVM started. */
  public static long loads() {
    return INSTANCE.loads;
  }

  /** Number of engines loaded now. */
  public static int size() {
    return INSTANCE.loadedNow.size();
  }

  /** Bytes of weights of the engines loaded now. */
  public static long weightBytes() {
    long bytes = 0;
    for (LlmEngine engine : INSTANCE.loadedNow) {
      bytes += engine.info().weightBytes();
    }
    return bytes;
  }

  /** What all engines loaded now hold. */
  public static MemoryUse memoryUse() {
    MemoryUse use = MemoryUse.NONE;
    for (LlmEngine engine : INSTANCE.loadedNow) {
      use = use.plus(engine.memoryUse());
    }
    return use;
  }

  /** Closes all engines that no task uses. */
  public static void closeIdle() {
    INSTANCE.evictIdle();
  }

  private synchronized Lease lease(Key key) {
    Loaded loaded = engines.get(key);
    if (loaded == null) {
      evictIdle();
      loaded = new Loaded(load(key));
      loads++;
      engines.put(key, loaded);
      noteLoaded();
    }
    loaded.users++;
    return new Lease(loaded);
  }

  private static LlmEngine load(Key key) {
    return LlmEngine.load(LocalModels.of(key.model()), key.config());
  }

  private synchronized void release(Lease lease) {
    if (lease.open) {
      lease.open = false;
      lease.loaded.users--;
    }
  }

  private synchronized void evictIdle() {
    engines
        .values()
        .removeIf(loaded -> {
          if (loaded.users > 0) {
            return false;
          }
          loaded.engine.close();
          return true;
        });
    noteLoaded();
  }

  private void noteLoaded() {
    loadedNow = engines.values().stream().map(loaded -> loaded.engine).toList();
  }
}
