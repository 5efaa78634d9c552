"""Qwen 3 mixtures of experts (arXiv:2505.09388): Qwen 3's attention; sparse and dense layers.

A layer is dense if it is in `mlp_only_layers` or its number is no multiple of
`decoder_sparse_step`. The weights of the chosen experts add up to 1 only with `norm_topk_prob`.
"""

import torch

from .parts import mlp_shapes, outer_shapes
from .qwen3 import Qwen3, attention_part


def is_sparse(c, layer):
    return layer not in c["mlp_only_layers"] and (layer + 1) % c["decoder_sparse_step"] == 0


class Qwen3Moe(Qwen3):
    def feed_forward(self, layer, x):
        p = f"model.layers.{layer}.mlp."
        if not is_sparse(self.c, layer):
            return self.swiglu(x, p)
        share = torch.softmax(self.linear(x, p + "gate"), -1)
        rows = []
        for t in range(len(x)):
            weights, chosen = torch.topk(share[t], self.c["num_experts_per_tok"])
            if self.c["norm_topk_prob"]:
                weights = weights / weights.sum()
            pairs = zip(weights, chosen.tolist())
            rows.append(sum(w * self.swiglu(x[t], f"{p}experts.{j}.") for w, j in pairs))
        return torch.stack(rows)


def shapes(c):
    out = outer_shapes(c)
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        out.update(attention_part(c, p))
        if not is_sparse(c, i):
            out.update(mlp_shapes(c, p + "mlp."))
            continue
        out[p + "mlp.gate.weight"] = (c["num_experts"], c["hidden_size"])
        for j in range(c["num_experts"]):
            out.update(mlp_shapes(c, f"{p}mlp.experts.{j}.", c["moe_intermediate_size"]))
    return out
