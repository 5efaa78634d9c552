package dev.nightjar.engine.model;

import dev.nightjar.engine.tensor.Tensor;
import java.util.Optional;

/**
 * A model file seen by the names of Hugging Face's Llama ({@code
 * model.layers.0.self_attn.q_proj.weight}, ...).
 */
public interface WeightSource {
  /** The architecture. */
  ModelConfig config();

  /** The tensor of this Hugging Face name, whatever it is called in the file. */
  Optional<Tensor> find(String name);

  /**
   * Whether the rows of the query and key projections are ordered for interleaved rotation
   * (dimension {@code 2i} paired with {@code 2i + 1}), as GGUF files of the Llama family are; the
   * loader restores the half-rotation order.
   */
  boolean interleavedRotary();

  /** What is added to the weights of norms: Gemma's folders mean 1 + w. */
  default float normOffset() {
    return 0;
  }
}
