package dev.nightjar.udfs;

import java.util.function.Supplier;

/** One number about this JVM's engines. */
enum ExecutorGauge {
  ROWS("rows", Kind.COUNT, () -> ExecutorCounts.now().rows()),
  ERROR_ROWS("errorRows", Kind.COUNT, () -> ExecutorCounts.now().errorRows()),
  PROMPT_TOKENS("promptTokens", Kind.COUNT, () -> ExecutorCounts.now().promptTokens()),
  COMPLETION_TOKENS("completionTokens", Kind.COUNT, () -> ExecutorCounts.now().completionTokens()),
  PREFIX_HITS("prefixHits", Kind.COUNT, () -> ExecutorCounts.now().prefixHits()),
  PREFIX_TOKENS("prefixTokens", Kind.COUNT, () -> ExecutorCounts.now().prefixTokens()),
  LAYERS_EXECUTED("layersExecuted", Kind.COUNT, () -> ExecutorCounts.now().layersExecuted()),
  TOKENS_COMPUTED("tokensComputed", Kind.COUNT, () -> ExecutorCounts.now().slots()),
  MEAN_LAYERS("meanLayersPerToken", Kind.MEAN, () -> ExecutorCounts.now().meanLayers()),
  ENGINE_LOADS("engineLoads", Kind.COUNT, ExecutorEngines::loads),
  ENGINES_LOADED("enginesLoaded", Kind.LEVEL, ExecutorEngines::size),
  WEIGHT_BYTES("weightBytes", Kind.LEVEL, ExecutorEngines::weightBytes),
  KV_BYTES("kvBytes", Kind.LEVEL, () -> ExecutorEngines.memoryUse().kvBytes()),
  KV_RESERVED("kvBytesReserved", Kind.LEVEL, () -> ExecutorEngines.memoryUse().kvBytesReserved()),
  KV_LIMIT("kvBytesLimit", Kind.LEVEL, () -> ExecutorEngines.memoryUse().maxKvBytes()),
  WAITING_ROWS("rowsWaitingForKv", Kind.LEVEL, () -> ExecutorEngines.memoryUse().waitingRows()),
  PREFIX_BYTES("prefixCacheBytes", Kind.LEVEL, () -> ExecutorEngines.memoryUse().prefixBytes()),
  PREFIX_LIMIT(
      "prefixCacheBytesLimit", Kind.LEVEL, () -> ExecutorEngines.memoryUse().maxPrefixBytes());

  /** How the numbers of several executors go together. */
  enum Kind {
    /** Since the executor started; adds up, also over executors that are gone. */
    COUNT,
    /** Of the moment; adds up over the executors there are. */
    LEVEL,
    /** {@link #LAYERS_EXECUTED} over {@link #TOKENS_COMPUTED}. */
    MEAN
  }

  private final String metricName;
  private final Kind kind;
  private final Supplier<Number> source;

  ExecutorGauge(String metricName, Kind kind, Supplier<Number> source) {
    this.metricName = metricName;
    this.kind = kind;
    this.source = source;
  }

  String metricName() {
    return metricName;
  }

  Kind kind() {
    return kind;
  }

  /** The number now. */
  Number read() {
    return source.get();
  }
}
