package dev.nightjar.engine.model;

/** The Hugging Face names of one layer's tensors; null for norms that the architecture lacks. */
final class LayerNames {
  private final String prefix;
  private final BlockDesign.Norms norms;

  LayerNames(ModelConfig config, int layer) {
    this.prefix = "model.layers." + layer + ".";
    this.norms = config.blocks().norms();
  }

  /** A module of the attention sublayer. */
  String attention(String module) {
    return prefix + "self_attn." + module;
  }

  /** What the projections of a dense feed-forward sublayer begin with. */
  String feedForward() {
    return prefix + "mlp.";
  }

  /** What the projections of an expert begin with. */
  String expert(int expert) {
    return prefix + "mlp.experts." + expert + ".";
  }

  String router() {
    return prefix + "mlp.gate.weight";
  }

  String attentionInputNorm() {
    return norms.ofInput() ? prefix + "input_layernorm.weight" : null;
  }

  String attentionOutputNorm() {
    return norms.ofOutput() ? prefix + "post_attention_layernorm.weight" : null;
  }

  String feedForwardInputNorm() {
    return switch (norms) {
      case BEFORE -> prefix + "post_attention_layernorm.weight";
      case AROUND -> prefix + "pre_feedforward_layernorm.weight";
      case AFTER -> null;
    };
  }

  String feedForwardOutputNorm() {
    return norms.ofOutput() ? prefix + "post_feedforward_layernorm.weight" : null;
  }
}
