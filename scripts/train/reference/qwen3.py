"""Qwen 3 (arXiv:2505.09388): no biases; every query and key head is RMS-normalised before rotation.

The size of a head is `head_dim`, whatever the hidden size.
"""

from .parts import Decoder, attend, attention_shapes, frequencies, mlp_shapes, norm_shapes
from .parts import outer_shapes, rotate


class Qwen3(Decoder):
    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        freq = frequencies(self.c["rope_theta"], self.h)
        q = self.norm(self.split(self.linear(x, p + "q_proj"), self.heads), p + "q_norm")
        k = self.norm(self.split(self.linear(x, p + "k_proj"), self.kv_heads), p + "k_norm")
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        seen = self.seen(layer)
        out = attend(rotate(q, freq), rotate(k, freq), v, seen, self.h**-0.5)
        return self.linear(out, p + "o_proj")

    def feed_forward(self, layer, x):
        return self.swiglu(x, f"model.layers.{layer}.mlp.")

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        x = x + self.attention(layer, self.norm(x, p + "input_layernorm"))
        return x + self.feed_forward(layer, self.norm(x, p + "post_attention_layernorm"))


def attention_part(c, p):
    out = norm_shapes(c, p, "input_layernorm", "post_attention_layernorm")
    out.update(attention_shapes(c, p + "self_attn.", c["head_dim"]))
    out[p + "self_attn.q_norm.weight"] = (c["head_dim"],)
    out[p + "self_attn.k_norm.weight"] = (c["head_dim"],)
    return out


def shapes(c):
    out = outer_shapes(c)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(attention_part(c, p))
        out.update(mlp_shapes(c, p + "mlp."))
    return out
