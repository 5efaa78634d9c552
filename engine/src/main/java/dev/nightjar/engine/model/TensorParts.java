package dev.nightjar.engine.model;

import dev.nightjar.engine.model.BlockDesign.Experts;
import dev.nightjar.engine.tensor.Tensor;
import java.util.Optional;
import java.util.function.Function;

/**
 * Finds projections that a file does not keep as tensors of their own, but as rows of a larger one:
 * fused queries, keys and values, fused gate and up projections, and stacked experts.
 */
final class TensorParts {
  static final String QUERY_KEY_VALUE = "self_attn.qkv_proj";
  static final String GATE_UP = "mlp.gate_up_proj";
  private static final String EXPERTS = "mlp.experts.";

  private final ModelConfig config;
  private final boolean fused;
  private final boolean stacked;

  /**
   * The parts of a model.
   *
   * @param fused whether the projections of a sublayer's input are one tensor
   * @param stacked whether the experts of a layer are one tensor {@code [experts, out, in]}
   */
  TensorParts(ModelConfig config, boolean fused, boolean stacked) {
    this.config = config;
    this.fused = fused;
    this.stacked = stacked;
  }

  /** Whether the projections of a sublayer's input are one tensor. */
  boolean fused() {
    return fused;
  }

  /** Whether the experts of a layer are one tensor. */
  boolean stacked() {
    return stacked;
  }

  /** The name of the tensor that holds the stacked {@code gate_proj}, {@code up_proj}, ... */
  static String stack(String projection) {
    return EXPERTS + projection;
  }

  /**
   * The tensor of a name, whose whole was checked.
   *
   * @param lookup finds tensors that are in the file
   */
  Optional<Tensor> find(String name, Function<String, Optional<Tensor>> lookup) {
    int end = name.lastIndexOf('.');
    int module = name.startsWith("model.layers.") ? name.indexOf('.', 13) + 1 : 0;
    if (module == 0 || module >= end) {
      return lookup.apply(name);
    }
    String prefix = name.substring(0, module);
    String kind = name.substring(end);
    int q = config.queryDim();
    int kv = config.kvDim();
    int f = config.intermediateSize();
    String part = name.substring(module, end);
    if (fused) {
      switch (part) {
        case "self_attn.q_proj" -> {
          return rows(lookup.apply(prefix + QUERY_KEY_VALUE + kind), 0, q);
        }
        case "self_attn.k_proj" -> {
          return rows(lookup.apply(prefix + QUERY_KEY_VALUE + kind), q, kv);
        }
        case "self_attn.v_proj" -> {
          return rows(lookup.apply(prefix + QUERY_KEY_VALUE + kind), q + kv, kv);
        }
        case "mlp.gate_proj" -> {
          return rows(lookup.apply(prefix + GATE_UP + kind), 0, f);
        }
        case "mlp.up_proj" -> {
          return rows(lookup.apply(prefix + GATE_UP + kind), f, f);
        }
        default -> {}
      }
    }
    if (stacked && part.startsWith(EXPERTS) && part.indexOf('.', EXPERTS.length()) > 0) {
      int dot = part.indexOf('.', EXPERTS.length());
      int expert = Integer.parseInt(part.substring(EXPERTS.length(), dot));
      String projection = part.substring(dot + 1);
      Experts experts = config.blocks().experts();
      int rows = projection.equals("down_proj") ? config.hiddenSize() : experts.intermediateSize();
      return rows(lookup.apply(prefix + stack(projection) + kind), expert * rows, rows);
    }
    return lookup.apply(name);
  }

  private static Optional<Tensor> rows(Optional<Tensor> whole, int first, int count) {
    return whole.map(tensor -> tensor.slice(first, count));
  }
}
