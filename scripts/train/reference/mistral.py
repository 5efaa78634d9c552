"""Mistral 7B (arXiv:2310.06825): Llama's blocks; a layer sees the last `sliding_window` positions."""

from .parts import Decoder, attend, attention_shapes, frequencies, mlp_shapes, norm_shapes
from .parts import outer_shapes, rotate


class Mistral(Decoder):
    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        freq = frequencies(self.c["rope_theta"], self.h)
        q = rotate(self.split(self.linear(x, p + "q_proj"), self.heads), freq)
        k = rotate(self.split(self.linear(x, p + "k_proj"), self.kv_heads), freq)
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        seen = self.seen(layer, self.c.get("sliding_window"))
        return self.linear(attend(q, k, v, seen, self.h**-0.5), p + "o_proj")

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        x = x + self.attention(layer, self.norm(x, p + "input_layernorm"))
        return x + self.swiglu(self.norm(x, p + "post_attention_layernorm"), p + "mlp.")


def shapes(c):
    out = outer_shapes(c)
    h = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(norm_shapes(c, p, "input_layernorm", "post_attention_layernorm"))
        out.update(attention_shapes(c, p + "self_attn.", h))
        out.update(mlp_shapes(c, p + "mlp."))
    return out
