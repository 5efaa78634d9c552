package dev.nightjar.engine.model;

import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.tensor.Tensor;
import java.util.Optional;

/** A Llama in a Hugging Face folder. */
final class HuggingFaceModel implements WeightSource {
  private final HuggingFaceFolder folder;
  private final ModelConfig config;

  private HuggingFaceModel(HuggingFaceFolder folder, ModelConfig config) {
    this.folder = folder;
    this.config = config;
  }

  /**
   * Reads the configuration and checks every tensor against it; {@code folder} stays the caller's
   * to close.
   */
  static HuggingFaceModel of(HuggingFaceFolder folder) {
    ModelConfig config = HuggingFaceConfig.parse(folder.config(), folder.generationConfig());
    HuggingFaceModel model = new HuggingFaceModel(folder, config);
    new TensorCheck(
            model,
            ConfigKeys.HUGGING_FACE,
            name -> "%s: tensor \"%s\"".formatted(folder.fileOf(name), name))
        .run();
    return model;
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Optional<Tensor> find(String name) {
    return folder.find(name);
  }

  @Override
  public boolean interleavedRotary() {
    return false;
  }
}
