"""Gemma 2 (arXiv:2408.00118).

Sublayers are normalised before and behind, a norm multiplies by 1 + w, embeddings are scaled by
sqrt(d), scores and logits soft-capped, the feed-forward gate is GELU (tanh), and layers see the
last `sliding_window` positions in turn with all of them, beginning with the window.
"""

import math

import torch
import torch.nn.functional as F

from .parts import Decoder, attend, attention_shapes, frequencies, mlp_shapes, norm_shapes
from .parts import outer_shapes, rms_norm, rotate


def gelu_tanh(x):
    return 0.5 * x * (1 + torch.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


class Gemma2(Decoder):
    def norm(self, x, name):
        return rms_norm(x, 1 + self.w[name + ".weight"], self.eps)

    def embed(self, ids):
        return super().embed(ids) * math.sqrt(self.c["hidden_size"])

    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        freq = frequencies(self.c["rope_theta"], self.h)
        q = rotate(self.split(self.linear(x, p + "q_proj"), self.heads), freq)
        k = rotate(self.split(self.linear(x, p + "k_proj"), self.kv_heads), freq)
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        seen = self.seen(layer, self.c["sliding_window"] if layer % 2 == 0 else None)
        scale = self.c["query_pre_attn_scalar"] ** -0.5
        out = attend(q, k, v, seen, scale, self.c["attn_logit_softcapping"])
        return self.linear(out, p + "o_proj")

    def feed_forward(self, layer, x):
        p = f"model.layers.{layer}.mlp."
        gate = gelu_tanh(self.linear(x, p + "gate_proj"))
        return self.linear(gate * self.linear(x, p + "up_proj"), p + "down_proj")

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        y = self.attention(layer, self.norm(x, p + "input_layernorm"))
        x = x + self.norm(y, p + "post_attention_layernorm")
        y = self.feed_forward(layer, self.norm(x, p + "pre_feedforward_layernorm"))
        return x + self.norm(y, p + "post_feedforward_layernorm")

    def head(self, x):
        logits = F.linear(self.norm(x, "model.norm"), self.w["model.embed_tokens.weight"])
        cap = self.c["final_logit_softcapping"]
        return cap * torch.tanh(logits / cap)


def shapes(c):
    out = outer_shapes(c)
    norms = "input_layernorm", "post_attention_layernorm"
    norms += "pre_feedforward_layernorm", "post_feedforward_layernorm"
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(norm_shapes(c, p, *norms))
        out.update(attention_shapes(c, p + "self_attn.", c["head_dim"]))
        out.update(mlp_shapes(c, p + "mlp."))
    return out
