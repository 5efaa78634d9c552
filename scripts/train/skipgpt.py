"""SkipGPT stage 1 (Zhao et al., ICML 2025): attention and feed-forward are skipped apart.

Two routers per layer read the layer's input; class 0 executes, class 1 skips. The model is frozen.
A token that skips attention still leaves its key and value there (PROJECT), so attention sees every
token; only the output is gated.
"""

import torch
import torch.nn.functional as F

from gates import Gates, linear

ROUTERS = ("attention_router", "feed_forward_router")


def add_options(parser):
    """Options with the published values as defaults."""
    parser.add_argument("--sparsity", type=float, default=0.25, help="share of sublayers to skip")
    parser.add_argument("--budgets", default="0.60,0.65,0.70,0.75,0.80,0.85", help="for thresholds")
    parser.add_argument("--budget-weight", type=float, default=20.0)
    parser.add_argument("--router-hidden", type=int, default=0,
                        help="0: Linear(d, 2); else Linear(d, h), ReLU, Linear(h, 2)")  # fmt: skip
    parser.add_argument("--tau", default="5,1", help="Gumbel temperature at the start and the end")
    parser.add_argument("--first-gated-layer", type=int, default=0)
    parser.add_argument("--reserved-positions", type=int, default=0, help="that run everything")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.set_defaults(method=SkipGpt, warmup=0.1, beta=0.999)


class SkipGpt(Gates):
    policy, sign = "skipgpt", -1

    def __init__(self, llama, rows, options):
        options.target = round(1 - options.sparsity, 6)
        super().__init__(llama, rows, options)
        d, h, g = llama.hidden, options.router_hidden, self.generator
        sizes = [(h, d), (2, h)] if h else [(2, d)]
        for layer in filter(self.gated, range(llama.num_layers)):
            for router in ROUTERS:
                for i, (out, size) in enumerate(sizes):
                    p = f"layers.{layer}.{router}.{i}."
                    last = i == len(sizes) - 1
                    self.add(p + "weight", linear(g, out, size))
                    self.add(p + "bias", torch.tensor([2.0, 0.1]) if last else torch.zeros(out))

    def groups(self):
        tensors = list(self.tensors.values())
        return [{"params": tensors, "rate": self.o.rate, "weight_decay": 0.01}]

    def margin(self, layer, router, x):
        p, r = f"layers.{layer}.{router}.", self.tensors
        z = F.linear(x, r[p + "0.weight"], r[p + "0.bias"])
        if self.o.router_hidden:
            z = F.linear(F.relu(z), r[p + "1.weight"], r[p + "1.bias"])
        return z[..., 0] - z[..., 1]

    def layer(self, layer, x, choose):
        if not self.gated(layer):
            return self.m.block(layer, x), torch.ones_like(x[..., 0]).expand(2, -1, -1)
        attends, feeds = (choose(self.margin(layer, r, x)) for r in ROUTERS)
        x = x + attends[..., None] * self.m.attention(layer, x)
        x = x + feeds[..., None] * self.m.feed_forward(layer, x)
        return x, torch.stack([attends, feeds])

    def loss(self, batch, progress):
        start, end = (float(t) for t in self.o.tau.split(","))
        ce, cells = self.train_forward(batch, start + (end - start) * progress)
        share = cells[:, :, batch.real].mean()
        budget = self.o.budget_weight * (self.o.target - share).abs()
        return ce + budget, {"ce": ce.item(), "cells": share.item()}

    def rates_json(self, rates):
        both = [[round(float(r), 4) for r in column] for column in rates.T]
        return dict(zip(("attention", "feed_forward"), both))

    def describe(self):
        """Keys of depth.json before the model's."""
        return {
            "router_hidden_size": self.o.router_hidden,
            "first_gated_layer": self.o.first_gated_layer,
            "reserved_positions": self.o.reserved_positions,
        }

    def finish(self):
        found = super().finish()
        return {**found, "rates": found["quality"]["rates"]}
