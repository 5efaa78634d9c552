package dev.nightjar.engine.api;

import java.io.Serializable;

/**
 * How an engine is set up; fixed for its life.
 *
 * @param depth a depth specification, for example {@code full} or {@code dllm:budget=0.55}
 * @param maxBatch most sequences in flight per decoder
 * @param promptChunk most prompt tokens of one sequence per step; 0 takes the whole prompt at once
 * @param stepTokens most slots per step over all sequences of a decoder
 * @param maxKvBytes most bytes of keys and values of the engine's rows; 0 is unlimited. Rows wait
 *     for room; a decoder with no other row goes on with one in any case
 * @param overlong what to do with a prompt that does not fit the context window
 * @param host what the engine takes of its machine
 * @param keysValues how keys and values are kept
 * @param admission which waiting row starts next
 */
public record EngineConfig(
    String depth,
    int maxBatch,
    int promptChunk,
    int stepTokens,
    long maxKvBytes,
    Overlong overlong,
    Host host,
    KeysValues keysValues,
    Admission admission)
    implements Serializable {

  /** What to do with a prompt that leaves no room in the context window. */
  public enum Overlong {
    /** The row fails with {@link ErrorCode#CONTEXT_OVERFLOW}. */
    ERROR,
    /**
     * The oldest prompt tokens are dropped so that {@code maxTokens} (or half the window, if less)
     * fit.
     */
    TRUNCATE
  }

  /**
   * What an engine takes of its machine; answers do not depend on it.
   *
   * @param parallelism most cores that one decoder uses; 0 is one, or as many as its Spark task has
   * @param packedCache where packed weights are kept for the other processes of this host: {@code
   *     auto}, {@code off}, or a folder
   */
  public record Host(int parallelism, String packedCache) implements Serializable {
    /** In the user's own folder below the temporary one. */
    public static final String AUTO = "auto";

    /** Nowhere: every process packs for itself. */
    public static final String OFF = "off";

    /** One core per decoder, packed weights shared. */
    public static final Host DEFAULT = new Host(0, AUTO);

    public Host {
      Check.that(parallelism >= 0 && parallelism <= 256, "parallelism", parallelism, "in [0, 256]");
      Check.that(
          packedCache != null && !packedCache.isBlank(),
          "packed-cache",
          packedCache,
          "auto, off or a folder");
    }
  }

  /**
   * How keys and values are kept. Answers depend on the type alone.
   *
   * @param type how they are stored
   * @param prefixCacheBytes most bytes of prompt beginnings kept for later rows; 0 keeps none
   */
  public record KeysValues(KvType type, long prefixCacheBytes) implements Serializable {
    /** What was computed, and 256 MiB: a beginning of 1000 tokens for a model of 8 G parameters. */
    public static final KeysValues DEFAULT = new KeysValues(KvType.F32, 256L << 20);

    public KeysValues {
      Check.that(type != null, "kv-type", null, "f32, f16, bf16 or q8");
      Check.that(prefixCacheBytes >= 0, "prefix-cache", prefixCacheBytes, "0 (off) or more");
    }
  }

  /** Which of the rows that a decoder holds starts next; results keep the order of the input. */
  public enum Admission {
    /** The first one. */
    IN_ORDER,
    /** The one with the most tokens to compute at most, so that few rows are left at the end. */
    LONGEST_FIRST
  }

  /** Dense, 32 sequences, prompt chunks of 128. */
  public static final EngineConfig DEFAULT =
      new EngineConfig("full", 32, 128, 512, 0, Overlong.ERROR);

  public EngineConfig {
    Check.that(
        depth != null && !depth.isBlank(), "depth", depth, "a depth specification such as full");
    Check.that(maxBatch >= 1 && maxBatch <= 4096, "batch-size", maxBatch, "in [1, 4096]");
    Check.that(promptChunk >= 0, "prompt-chunk", promptChunk, "0 (whole prompt) or more");
    Check.that(stepTokens >= 1, "step-tokens", stepTokens, "at least 1");
    Check.that(maxKvBytes >= 0, "max-kv-bytes", maxKvBytes, "0 (unlimited) or more");
    Check.that(host != null, "host", host, "host options");
    Check.that(keysValues != null, "keysValues", keysValues, "options of keys and values");
    Check.that(admission != null, "admission", admission, "in-order or longest-first");
  }

  /** On {@link Host#DEFAULT}, with {@link KeysValues#DEFAULT}, rows in order. */
  public EngineConfig(
      String depth,
      int maxBatch,
      int promptChunk,
      int stepTokens,
      long maxKvBytes,
      Overlong overlong) {
    this(
        depth,
        maxBatch,
        promptChunk,
        stepTokens,
        maxKvBytes,
        overlong,
        Host.DEFAULT,
        KeysValues.DEFAULT,
        Admission.IN_ORDER);
  }

  /** Apart, for a part of the options checks itself before this class may be initialised. */
  private static final class Check {
    static void that(boolean ok, String name, Object found, String expected) {
      if (!ok) {
        throw new EngineException(
            ErrorCode.INVALID_OPTION, name + " is " + found + ", expected " + expected);
      }
    }
  }

  /** The same with another depth specification. */
  public EngineConfig withDepth(String newDepth) {
    return new EngineConfig(
        newDepth,
        maxBatch,
        promptChunk,
        stepTokens,
        maxKvBytes,
        overlong,
        host,
        keysValues,
        admission);
  }

  /** The same with another batch size. */
  public EngineConfig withMaxBatch(int newMaxBatch) {
    return new EngineConfig(
        depth,
        newMaxBatch,
        promptChunk,
        stepTokens,
        maxKvBytes,
        overlong,
        host,
        keysValues,
        admission);
  }

  /** The same with another prompt chunk. */
  public EngineConfig withPromptChunk(int newPromptChunk) {
    return new EngineConfig(
        depth,
        maxBatch,
        newPromptChunk,
        stepTokens,
        maxKvBytes,
        overlong,
        host,
        keysValues,
        admission);
  }

  /** The same on another part of the machine. */
  public EngineConfig withHost(Host newHost) {
    return new EngineConfig(
        depth,
        maxBatch,
        promptChunk,
        stepTokens,
        maxKvBytes,
        overlong,
        newHost,
        keysValues,
        admission);
  }

  /** The same with keys and values kept in another way. */
  public EngineConfig withKeysValues(KeysValues newKeysValues) {
    return new EngineConfig(
        depth,
        maxBatch,
        promptChunk,
        stepTokens,
        maxKvBytes,
        overlong,
        host,
        newKeysValues,
        admission);
  }

  /** The same with rows admitted in another order. */
  public EngineConfig withAdmission(Admission newAdmission) {
    return new EngineConfig(
        depth,
        maxBatch,
        promptChunk,
        stepTokens,
        maxKvBytes,
        overlong,
        host,
        keysValues,
        newAdmission);
  }
}
