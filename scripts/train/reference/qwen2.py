"""Qwen 2 and 2.5 (arXiv:2407.10671): queries, keys and values have biases.

With `use_sliding_window`, layers from `max_window_layers` on see `sliding_window` positions.
"""

from .parts import Decoder, attend, attention_shapes, frequencies, mlp_shapes, norm_shapes
from .parts import outer_shapes, rotate


class Qwen2(Decoder):
    def window(self, layer):
        used = self.c.get("use_sliding_window") and layer >= self.c["max_window_layers"]
        return self.c["sliding_window"] if used else None

    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        freq = frequencies(self.c["rope_theta"], self.h)
        q = rotate(self.split(self.linear(x, p + "q_proj"), self.heads), freq)
        k = rotate(self.split(self.linear(x, p + "k_proj"), self.kv_heads), freq)
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        seen = self.seen(layer, self.window(layer))
        return self.linear(attend(q, k, v, seen, self.h**-0.5), p + "o_proj")

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        x = x + self.attention(layer, self.norm(x, p + "input_layernorm"))
        return x + self.swiglu(self.norm(x, p + "post_attention_layernorm"), p + "mlp.")


def shapes(c):
    out = outer_shapes(c)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(norm_shapes(c, p, "input_layernorm", "post_attention_layernorm"))
        h = c["hidden_size"] // c["num_attention_heads"]
        out.update(attention_shapes(c, p + "self_attn.", h, bias=True))
        out.update(mlp_shapes(c, p + "mlp."))
    return out
