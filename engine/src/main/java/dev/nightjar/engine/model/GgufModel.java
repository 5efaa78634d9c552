package dev.nightjar.engine.model;

import dev.nightjar.engine.format.Excerpt;
import dev.nightjar.engine.format.GgufFile;
import dev.nightjar.engine.format.GgufMetadata;
import dev.nightjar.engine.tensor.Tensor;
import java.util.Optional;

/** A model in a GGUF file. */
final class GgufModel implements WeightSource {
  private final GgufFile file;
  private final ModelFamily family;
  private final ModelConfig config;
  private final TensorParts parts;

  private GgufModel(GgufFile file, ModelFamily family, ModelConfig config) {
    this.file = file;
    this.family = family;
    this.config = config;
    this.parts = new TensorParts(config, family.fusesTensors(), config.blocks().experts() != null);
  }

  /**
   * Reads the configuration and checks every tensor against it; {@code file} stays the caller's to
   * close.
   */
  static GgufModel of(GgufFile file) {
    ModelFamily family = family(file);
    ConfigKeys keys = ConfigKeys.gguf(family.ggufArchitecture());
    GgufModel model = new GgufModel(file, family, new GgufConfig(file, family, keys).read());
    new TensorCheck(model, keys, model.parts, model::locate).run();
    return model;
  }

  private static ModelFamily family(GgufFile file) {
    GgufMetadata metadata = file.metadata();
    String where = file.path().getFileName().toString();
    String architecture = metadata.stringValue("general.architecture");
    ModelFamily family =
        ModelFamily.ofGguf(architecture)
            .orElseThrow(() ->
                ConfigCheck.invalid(
                    where
                        + ": architecture "
                        + Excerpt.of(architecture)
                        + " is not supported; supported: "
                        + String.join(", ", ModelFamily.ggufArchitectures())));
    boolean mixture = metadata.longValue(architecture + ".expert_count", 0) > 0;
    return family == ModelFamily.LLAMA && mixture ? ModelFamily.MIXTRAL : family;
  }

  private String locate(String name) {
    return file.path().getFileName()
        + ": tensor \""
        + GgufNames.of(name, config.blocks().norms())
        + "\"";
  }

  @Override
  public ModelConfig config() {
    return config;
  }

  @Override
  public Optional<Tensor> find(String name) {
    return parts.find(name, this::whole);
  }

  private Optional<Tensor> whole(String name) {
    String ggufName = GgufNames.of(name, config.blocks().norms());
    return ggufName == null ? Optional.empty() : file.find(ggufName);
  }

  @Override
  public boolean interleavedRotary() {
    return family.interleavedInGguf();
  }
}
