"""Phi-3 (arXiv:2404.14219) and Phi-4-mini (arXiv:2503.01743).

Queries, keys and values are rows of one projection, gate and up of another. Only the first
`partial_rotary_factor` of a head is rotated. LongRoPE (arXiv:2402.13753) divides each frequency by a
factor of its own, from one list for sequences within the original context and from another one for
longer ones, and stretches the rotated part by sqrt(1 + ln(s) / ln(original)), s being the ratio of
the contexts.
"""

import math

import torch
import torch.nn.functional as F

from .parts import Decoder, attend, frequencies, norm_shapes, outer_shapes, rotate


class Phi3(Decoder):
    def begin(self, positions):
        dims = int(self.h * self.c.get("partial_rotary_factor", 1.0))
        self.freq, self.magnitude = frequencies(self.c["rope_theta"], dims), 1.0
        scaling = self.c.get("rope_scaling")
        if scaling:
            original = self.c["original_max_position_embeddings"]
            stretch = self.c["max_position_embeddings"] / original
            which = "long_factor" if positions > original else "short_factor"
            self.freq = self.freq / torch.tensor(scaling[which], dtype=torch.float64)
            self.magnitude = math.sqrt(1 + math.log(stretch) / math.log(original))

    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        sizes = [self.heads * self.h, self.kv_heads * self.h, self.kv_heads * self.h]
        q, k, v = self.linear(x, p + "qkv_proj").split(sizes, dim=-1)
        q = rotate(self.split(q, self.heads), self.freq, self.magnitude)
        k = rotate(self.split(k, self.kv_heads), self.freq, self.magnitude)
        v = self.split(v, self.kv_heads)
        seen = self.seen(layer, self.c.get("sliding_window"))
        return self.linear(attend(q, k, v, seen, self.h**-0.5), p + "o_proj")

    def feed_forward(self, layer, x):
        p = f"model.layers.{layer}.mlp."
        gate, up = self.linear(x, p + "gate_up_proj").chunk(2, dim=-1)
        return self.linear(F.silu(gate) * up, p + "down_proj")

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        x = x + self.attention(layer, self.norm(x, p + "input_layernorm"))
        return x + self.feed_forward(layer, self.norm(x, p + "post_attention_layernorm"))


def shapes(c):
    out = outer_shapes(c)
    d, f = c["hidden_size"], c["intermediate_size"]
    h = d // c["num_attention_heads"]
    q, kv = c["num_attention_heads"] * h, c["num_key_value_heads"] * h
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(norm_shapes(c, p, "input_layernorm", "post_attention_layernorm"))
        out[p + "self_attn.qkv_proj.weight"] = (q + 2 * kv, d)
        out[p + "self_attn.o_proj.weight"] = (d, q)
        out[p + "mlp.gate_up_proj.weight"] = (2 * f, d)
        out[p + "mlp.down_proj.weight"] = (d, f)
    return out
