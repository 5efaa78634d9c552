"""SmolLM 3: Llama's blocks; every fourth layer has no positional embedding (NoPE, arXiv:2501.18795).

`no_rope_layers` has 1 for a layer with positions, 0 for one without.
"""

from .mistral import shapes
from .parts import Decoder, attend, frequencies, rotate

__all__ = ["SmolLM3", "shapes"]


class SmolLM3(Decoder):
    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        q = self.split(self.linear(x, p + "q_proj"), self.heads)
        k = self.split(self.linear(x, p + "k_proj"), self.kv_heads)
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        listed = self.c.get("no_rope_layers")
        if listed[layer] if listed else (layer + 1) % 4 != 0:
            freq = frequencies(self.c["rope_theta"], self.h)
            q, k = rotate(q, freq), rotate(k, freq)
        return self.linear(attend(q, k, v, self.seen(layer), self.h**-0.5), p + "o_proj")

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        x = x + self.attention(layer, self.norm(x, p + "input_layernorm"))
        return x + self.swiglu(self.norm(x, p + "post_attention_layernorm"), p + "mlp.")
