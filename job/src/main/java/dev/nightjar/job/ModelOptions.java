package dev.nightjar.job;

import dev.nightjar.engine.EmbeddedModel;
import dev.nightjar.engine.LlmEngine;
import dev.nightjar.engine.api.EngineConfig;
import picocli.CommandLine.Option;

/** The options of every command that loads a model without Spark. */
final class ModelOptions {
  @Option(
      names = "--model",
      defaultValue = EmbeddedModel.NAME,
      description = "GGUF file, Hugging Face folder, or 'embedded' (default: ${DEFAULT-VALUE}).")
  private String model;

  @Option(
      names = "--depth",
      defaultValue = "full",
      description =
          "Depth policy, for example full, dllm, unified:keep=0.5 (default: ${DEFAULT-VALUE}).")
  private String depth;

  @Option(
      names = "--batch-size",
      defaultValue = "32",
      description = "Most sequences in flight (default: ${DEFAULT-VALUE}).")
  private int batchSize;

  @Option(
      names = "--parallelism",
      defaultValue = "1",
      description = "Most cores to use (default: ${DEFAULT-VALUE}).")
  private int parallelism;

  LlmEngine load() {
    EngineConfig.Host host =
        new EngineConfig.Host(parallelism, EngineConfig.Host.DEFAULT.packedCache());
    return LlmEngine.load(
        EmbeddedModel.resolve(model),
        EngineConfig.DEFAULT.withDepth(depth).withMaxBatch(batchSize).withHost(host));
  }

  String model() {
    return model;
  }
}
