package dev.nightjar.engine.model;

import java.util.Map;

/** The GGUF names of Hugging Face's tensors. */
final class GgufNames {
  private static final String LAYERS = "model.layers.";

  private static final Map<String, String> OUTSIDE =
      Map.of(
          "model.embed_tokens.weight", "token_embd.weight",
          "model.norm.weight", "output_norm.weight",
          "lm_head.weight", "output.weight");

  private static final Map<String, String> IN_LAYER =
      Map.of(
          "input_layernorm", "attn_norm",
          "self_attn.q_proj", "attn_q",
          "self_attn.k_proj", "attn_k",
          "self_attn.v_proj", "attn_v",
          "self_attn.o_proj", "attn_output",
          "post_attention_layernorm", "ffn_norm",
          "mlp.gate_proj", "ffn_gate",
          "mlp.up_proj", "ffn_up",
          "mlp.down_proj", "ffn_down");

  private GgufNames() {}

  /** The GGUF name, or null for a name that GGUF has no equivalent of. */
  static String of(String name) {
    if (!name.startsWith(LAYERS)) {
      return OUTSIDE.get(name);
    }
    int afterLayer = name.indexOf('.', LAYERS.length());
    int beforeKind = name.lastIndexOf('.'); // .weight or .bias
    if (afterLayer < 0 || beforeKind <= afterLayer) {
      return null;
    }
    String module = IN_LAYER.get(name.substring(afterLayer + 1, beforeKind));
    String layer = name.substring(LAYERS.length(), afterLayer);
    return module == null ? null : "blk." + layer + "." + module + name.substring(beforeKind);
  }
}
