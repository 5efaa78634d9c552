"""Mixtral (arXiv:2401.04088): Mistral's attention; each token runs the best experts of a layer.

The router's soft-max runs over all experts; the weights of the chosen ones are made to add up to 1.
An expert's w1 is the gate, w3 the up and w2 the down projection.
"""

import torch
import torch.nn.functional as F

from .mistral import Mistral
from .parts import attention_shapes, norm_shapes, outer_shapes


class Mixtral(Mistral):
    def experts(self, layer, x):
        p = f"model.layers.{layer}.block_sparse_moe."
        share = torch.softmax(self.linear(x, p + "gate"), -1)
        rows = []
        for t in range(len(x)):
            weights, chosen = torch.topk(share[t], self.c["num_experts_per_tok"])
            y = 0
            for weight, j in zip(weights / weights.sum(), chosen.tolist()):
                e = f"{p}experts.{j}."
                hidden = F.silu(self.linear(x[t], e + "w1")) * self.linear(x[t], e + "w3")
                y = y + weight * self.linear(hidden, e + "w2")
            rows.append(y)
        return torch.stack(rows)

    def block(self, layer, x):
        p = f"model.layers.{layer}."
        x = x + self.attention(layer, self.norm(x, p + "input_layernorm"))
        return x + self.experts(layer, self.norm(x, p + "post_attention_layernorm"))


def shapes(c):
    out = outer_shapes(c)
    d, f = c["hidden_size"], c["intermediate_size"]
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(norm_shapes(c, p, "input_layernorm", "post_attention_layernorm"))
        out.update(attention_shapes(c, p + "self_attn.", d // c["num_attention_heads"]))
        p += "block_sparse_moe."
        out[p + "gate.weight"] = (c["num_local_experts"], d)
        for j in range(c["num_local_experts"]):
            out[f"{p}experts.{j}.w1.weight"] = out[f"{p}experts.{j}.w3.weight"] = (f, d)
            out[f"{p}experts.{j}.w2.weight"] = (d, f)
    return out
