"""Gemma 3, text only (arXiv:2503.19786).

As Gemma 2 without soft caps; heads of queries and keys are normalised (by 1 + w); five layers of
six see a window and turn at `rope_local_base_freq`, the sixth sees everything and turns at
`rope_theta`, stretched by a linear factor where `rope_scaling` has one.
"""

import torch.nn.functional as F

from . import gemma2
from .parts import attend, frequencies, rotate


class Gemma3(gemma2.Gemma2):
    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        local = (layer + 1) % self.c.get("sliding_window_pattern", 6) != 0
        if local:
            freq = frequencies(self.c["rope_local_base_freq"], self.h)
        else:
            scaling = self.c.get("rope_scaling") or {"factor": 1.0}
            freq = frequencies(self.c["rope_theta"], self.h) / scaling["factor"]
        q = self.norm(self.split(self.linear(x, p + "q_proj"), self.heads), p + "q_norm")
        k = self.norm(self.split(self.linear(x, p + "k_proj"), self.kv_heads), p + "k_norm")
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        seen = self.seen(layer, self.c["sliding_window"] if local else None)
        scale = self.c["query_pre_attn_scalar"] ** -0.5
        out = attend(rotate(q, freq), rotate(k, freq), v, seen, scale)
        return self.linear(out, p + "o_proj")

    def head(self, x):
        return F.linear(self.norm(x, "model.norm"), self.w["model.embed_tokens.weight"])


def shapes(c):
    out = gemma2.shapes(c)
    for i in range(c["num_hidden_layers"]):
        for name in ("q_norm", "k_norm"):
            out[f"model.layers.{i}.self_attn.{name}.weight"] = (c["head_dim"],)
    return out
