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

  LlmEngine load() {
    return LlmEngine.load(
        EmbeddedModel.resolve(model),
        EngineConfig.DEFAULT.withDepth(depth).withMaxBatch(batchSize));
  }

  String model() {
    return model;
  }
}
