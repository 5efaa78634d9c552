package dev.nightjar.engine.decode;

import dev.nightjar.engine.api.EngineConfig;
import dev.nightjar.engine.model.KvPool;
import dev.nightjar.engine.model.LlamaModel;
import java.lang.foreign.Arena;

/**
 * What all decoders of an engine share. Safe for concurrent use.
 *
 * @param pool memory for keys and values
 * @param prefixes prompt beginnings; null if none are kept
 */
public record SharedMemory(KvPool pool, PrefixCache prefixes) {

  /**
   * For an engine.
   *
   * @param arena where memory is allocated, one that all threads may use
   */
  public static SharedMemory of(LlamaModel model, EngineConfig options, Arena arena) {
    KvPool pool = pool(model, options, arena);
    long bytes = options.keysValues().prefixCacheBytes();
    boolean keeps = bytes > 0 && model.policy().sharesPrefixes();
    return new SharedMemory(pool, keeps ? new PrefixCache(pool, bytes) : null);
  }

  /** For one decoder alone, which keeps no prompt beginnings; freed by the garbage collector. */
  public static SharedMemory alone(LlamaModel model, EngineConfig options) {
    return new SharedMemory(pool(model, options, Arena.ofAuto()), null);
  }

  private static KvPool pool(LlamaModel model, EngineConfig options, Arena arena) {
    return new KvPool(model.config(), options.keysValues().type(), options.maxKvBytes(), arena);
  }
}
