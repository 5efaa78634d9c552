"""OLMo 2 (arXiv:2501.00656): sublayers are normalised behind only, queries and keys over all heads."""

from .parts import Decoder, attend, attention_shapes, frequencies, mlp_shapes, norm_shapes
from .parts import outer_shapes, rotate


class Olmo2(Decoder):
    def attention(self, layer, x):
        p = f"model.layers.{layer}.self_attn."
        freq = frequencies(self.c["rope_theta"], self.h)
        q = self.norm(self.linear(x, p + "q_proj"), p + "q_norm")
        k = self.norm(self.linear(x, p + "k_proj"), p + "k_norm")
        q, k = self.split(q, self.heads), self.split(k, self.kv_heads)
        v = self.split(self.linear(x, p + "v_proj"), self.kv_heads)
        seen = self.seen(layer)
        out = attend(rotate(q, freq), rotate(k, freq), v, seen, self.h**-0.5)
        return self.linear(out, p + "o_proj")

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        x = x + self.norm(self.attention(layer, x), p + "post_attention_layernorm")
        return x + self.norm(self.swiglu(x, p + "mlp."), p + "post_feedforward_layernorm")


def shapes(c):
    out = outer_shapes(c)
    h = c["hidden_size"] // c["num_attention_heads"]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(norm_shapes(c, p, "post_attention_layernorm", "post_feedforward_layernorm"))
        out.update(attention_shapes(c, p + "self_attn.", h))
        out[p + "self_attn.q_norm.weight"] = (c["num_attention_heads"] * h,)
        out[p + "self_attn.k_norm.weight"] = (c["num_key_value_heads"] * h,)
        out.update(mlp_shapes(c, p + "mlp."))
    return out
