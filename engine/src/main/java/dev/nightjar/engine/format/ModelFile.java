package dev.nightjar.engine.format;

import dev.nightjar.engine.tensor.TensorStore;
import java.nio.file.Path;
import java.util.Collection;

/**
 * The weights of a model together with its descriptions (configuration, tokenizer), in one of the
 * known formats.
 */
public sealed interface ModelFile extends TensorStore permits GgufFile, HuggingFaceFolder {
  /** The file or folder. */
  Path path();

  /**
   * Tensors that are present but cannot be read; asking for one by name is an error that says why.
   */
  Collection<UnsupportedTensor> unsupported();
}
