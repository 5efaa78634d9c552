package dev.nightjar.engine.model;

import dev.nightjar.engine.format.ModelFile;

/**
 * A model whose files are mapped and checked. Safe for concurrent reads until closed.
 *
 * @param name the folder's or file's name, without {@code .gguf}
 * @param weights the tensors by Hugging Face name, with the architecture
 * @param store the file or folder itself, with its tokenizer and chat template
 * @param fingerprint 64 hexadecimal digits that identify the content of the model
 */
public record OpenModel(String name, WeightSource weights, ModelFile store, String fingerprint)
    implements AutoCloseable {

  /** Unmaps the files; all tensors become unusable. */
  @Override
  public void close() {
    store.close();
  }
}
