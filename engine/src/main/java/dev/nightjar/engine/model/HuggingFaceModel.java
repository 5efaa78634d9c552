package dev.nightjar.engine.model;

import dev.nightjar.engine.format.HuggingFaceFolder;
import dev.nightjar.engine.tensor.Tensor;
import java.util.Optional;

/** A model in a Hugging Face folder. */
final class HuggingFaceModel implements WeightSource {
  private static final String EMBEDDINGS = "model.embed_tokens.weight";

  private final HuggingFaceFolder folder;
  private final ModelConfig config;
  private final ModelFamily family;
  private final TensorParts parts;

  private HuggingFaceModel(HuggingFaceFolder folder, ModelConfig config, ModelFamily family) {
    this.folder = folder;
    this.config = config;
    this.family = family;
    this.parts = new TensorParts(config, family.fusesTensors(), false);
  }

  /**
   * Reads the configuration and checks every tensor against it; {@code folder} stays the caller's
   * to close.
   */
  static HuggingFaceModel of(HuggingFaceFolder folder) {
    ModelConfig config = HuggingFaceConfig.parse(folder.config(), folder.generationConfig());
    ModelFamily family = HuggingFaceConfig.family(new JsonConfig(JsonConfig.FILE, folder.config()));
    HuggingFaceModel model = new HuggingFaceModel(folder, config, family);
    new TensorCheck(model, ConfigKeys.HUGGING_FACE, model.parts, model::locate).run();
    return model;
  }

  private String locate(String name) {
    String own = own(name);
    return "%s: tensor \"%s\"".formatted(folder.fileOf(own), own);
  }

  /** What the folder calls a tensor. Models with a vision part begin names in one of two ways. */
  private String own(String name) {
    if (folder.find("language_model." + EMBEDDINGS).isPresent()) {
      return "language_model." + name;
    }
    if (folder.find("model.language_" + EMBEDDINGS).isPresent()) {
      return name.startsWith("model.") ? "model.language_" + name : name;
    }
    if (family != ModelFamily.MIXTRAL || !name.contains(".mlp.")) {
      return name;
    }
    return name.replace(".mlp.", ".block_sparse_moe.")
        .replace(".gate_proj.", ".w1.")
        .replace(".down_proj.", ".w2.")
        .replace(".up_proj.", ".w3.");
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Optional<Tensor> find(String name) {
    return parts.find(name, whole -> folder.find(own(whole)));
  }

  @Override
  public boolean interleavedRotary() {
    return false;
  }

  @Override
  public float normOffset() {
    return family.offsetsNorms() ? 1 : 0;
  }
}
