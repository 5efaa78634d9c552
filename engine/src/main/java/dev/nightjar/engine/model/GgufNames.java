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
      Map.ofEntries(
          Map.entry("input_layernorm", "attn_norm"),
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.q_norm", "attn_q_norm"),
          Map.entry("self_attn.k_norm", "attn_k_norm"),
          Map.entry(TensorParts.QUERY_KEY_VALUE, "attn_qkv"),
          Map.entry("pre_feedforward_layernorm", "ffn_norm"),
          Map.entry("post_feedforward_layernorm", "post_ffw_norm"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"),
          Map.entry(TensorParts.GATE_UP, "ffn_up"),
          Map.entry("mlp.gate", "ffn_gate_inp"),
          Map.entry("mlp.experts.gate_proj", "ffn_gate_exps"),
          Map.entry("mlp.experts.up_proj", "ffn_up_exps"),
          Map.entry("mlp.experts.down_proj", "ffn_down_exps"));

  private GgufNames() {}

  /**
   * The GGUF name, or null for a name that GGUF has no equivalent of.
   *
   * @param norms where the architecture normalises: Hugging Face's {@code post_attention_layernorm}
   *     is the feed-forward sublayer's input norm or the attention's output norm
   */
  static String of(String name, BlockDesign.Norms norms) {
    if (!name.startsWith(LAYERS)) {
      return OUTSIDE.get(name);
    }
    int afterLayer = name.indexOf('.', LAYERS.length());
    int beforeKind = name.lastIndexOf('.'); // .weight or .bias
    if (afterLayer < 0 || beforeKind <= afterLayer) {
      return null;
    }
    String own = name.substring(afterLayer + 1, beforeKind);
    String module =
        own.equals("post_attention_layernorm")
            ? norms.ofOutput() ? "post_attention_norm" : "ffn_norm"
            : IN_LAYER.get(own);
    String layer = name.substring(LAYERS.length(), afterLayer);
    return module == null ? null : "blk." + layer + "." + module + name.substring(beforeKind);
  }
}
