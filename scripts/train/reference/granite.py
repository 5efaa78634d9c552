"""Granite 3 (dense): Llama's blocks with four factors from the configuration.

Embeddings are multiplied, what a sublayer adds is multiplied, attention uses a factor instead of
1/sqrt(h), and logits are divided.
"""

from .mistral import shapes
from .parts import Decoder, attend, frequencies, rotate

__all__ = ["Granite", "shapes"]


class Granite(Decoder):
    def embed(self, ids):
        return super().embed(ids) * self.c["embedding_multiplier"]

    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        freq = frequencies(self.c["rope_theta"], self.h)
        q = rotate(self.split(self.linear(x, p + "q_proj"), self.heads), freq)
        k = rotate(self.split(self.linear(x, p + "k_proj"), self.kv_heads), freq)
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        out = attend(q, k, v, self.seen(layer), self.c["attention_multiplier"])
        return self.linear(out, p + "o_proj")

    def block(self, layer, x):
        p, r = f"model.layers.{layer}.", self.c["residual_multiplier"]
        x = x + r * self.attention(layer, self.norm(x, p + "input_layernorm"))
        return x + r * self.swiglu(self.norm(x, p + "post_attention_layernorm"), p + "mlp.")

    def head(self, x):
        return super().head(x) / self.c["logits_scaling"]
