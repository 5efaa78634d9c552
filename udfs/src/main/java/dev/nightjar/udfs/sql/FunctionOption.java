package dev.nightjar.udfs.sql;

import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The options of the model functions; each has the meaning of the job's configuration key. */
enum FunctionOption {
  MODEL("model", "embedded"),
  DEPTH("depth", "full"),
  SYSTEM("prompt.system", null),
  CHAT("prompt.chat", "true"),
  MAX_PROMPT_CHARS("prompt.max-chars", "1000000"),
  ON_ERROR("errors.mode", "permissive"),
  BATCH_SIZE("engine.batch-size", "32"),
  PROMPT_CHUNK("engine.prompt-chunk", "128"),
  STEP_TOKENS("engine.step-tokens", "512"),
  MAX_KV_BYTES("engine.max-kv-bytes", "0"),
  KV_TYPE("engine.kv-type", "f32"),
  PREFIX_CACHE("engine.prefix-cache", "256m"),
  ADMISSION("engine.admission", "in-order"),
  OVERLONG("engine.overlong", "error"),
  PARALLELISM("engine.parallelism", "0"),
  PACKED_CACHE("engine.packed-cache", "auto"),
  MAX_TOKENS("sampling.max-tokens", "256"),
  TEMPERATURE("sampling.temperature", "0"),
  TOP_K("sampling.top-k", "0"),
  TOP_P("sampling.top-p", "1"),
  MIN_P("sampling.min-p", "0"),
  REPETITION_PENALTY("sampling.repetition-penalty", "1"),
  SEED("sampling.seed", "0"),
  STOP("sampling.stop", null),
  LOGPROBS("sampling.logprobs", "-1"),
  RESPONSE_FORMAT(null, null),
  JSON_SCHEMA(null, null),
  REGEX(null, null),
  CHOICES(null, null),
  ANSWER_PREFIX(null, ""),
  LENGTH(null, "sum"),
  POOLING(null, "mean"),
  UNIT(null, "true");

  /** In front of the job's keys as session configuration. */
  static final String PREFIX = "spark.nightjar.";

  /** Options of every function. */
  static final Set<FunctionOption> OF_ALL = EnumSet.range(MODEL, PACKED_CACHE);

  private final String key;
  private final String fallback;

  FunctionOption(String key, String fallback) {
    this.key = key;
    this.fallback = fallback;
  }

  /** The name in SQL. */
  String sqlName() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The job's key, or null for an option of one call only. */
  String key() {
    return key;
  }

  /** The default, or null. */
  String fallback() {
    return fallback;
  }

  /** The options of generated text. */
  static Set<FunctionOption> ofGeneration() {
    Set<FunctionOption> options = EnumSet.copyOf(OF_ALL);
    options.addAll(EnumSet.range(MAX_TOKENS, CHOICES));
    return options;
  }

  /** The options of all functions and some more. */
  static Set<FunctionOption> and(FunctionOption... more) {
    Set<FunctionOption> options = EnumSet.copyOf(OF_ALL);
    options.addAll(List.of(more));
    return options;
  }
}
