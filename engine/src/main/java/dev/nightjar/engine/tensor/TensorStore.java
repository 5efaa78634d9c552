package dev.nightjar.engine.tensor;

import java.util.Collection;
import java.util.Optional;

/** Tensors by name, over memory that lives until {@link #close()}. Safe for concurrent reads. */
public interface TensorStore extends AutoCloseable {
  /** The tensor of this name, if there is one. */
  Optional<Tensor> find(String name);

  /** All tensors, in file order. */
  Collection<Tensor> all();

  /** Unmaps the memory; tensors handed out become unusable. */
  @Override
  void close();
}
