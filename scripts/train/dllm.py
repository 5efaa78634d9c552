"""D-LLM (Jiang et al., NeurIPS 2024): a gate before every layer, LoRA on q, k and v.

A token that skips a layer passes it unchanged and leaves no key or value there. The gate is
Linear(d, h), RMSNorm, SiLU, Linear(h, 2); class 1 executes. The base stays frozen.
"""

import functools
import math

import torch
import torch.nn.functional as F

from gates import Gates, linear
from llama import PROJECTIONS
from train_depth import anneal

TARGETS = ("q", "k", "v")


def add_options(parser):
    """Options with the published values as defaults."""
    parser.add_argument("--target", type=float, default=0.5, help="share of (token, layer) cells")
    parser.add_argument("--budgets", default="0.40,0.45,0.50,0.55,0.60,0.65", help="for thresholds")
    parser.add_argument("--budget-loss", choices=["token", "batch"], default="token",
                        help="token: published, |mean of a token - target|, weight ramps as a sine; "
                        "batch: mean of the batch against a target that falls from 1")  # fmt: skip
    parser.add_argument("--budget-weight", type=float, default=5.0, help="of the token loss, at the end")
    parser.add_argument("--router-hidden", type=int, default=512)
    parser.add_argument("--rank", type=int, default=8)
    parser.add_argument("--dropout", type=float, default=0.05, help="on the output of LoRA")
    parser.add_argument("--tau", type=float, default=1.0)
    parser.add_argument("--first-gated-layer", type=int, default=2)
    parser.add_argument("--reserved-positions", type=int, default=2)
    parser.add_argument("--rate", type=float, default=2.8e-4, help="learning rate of LoRA")
    parser.add_argument("--router-rate", type=float, default=2.8e-4)
    parser.set_defaults(method=Dllm, warmup=0.2, beta=0.95)


class Dllm(Gates):
    policy = "dllm"

    def __init__(self, llama, rows, options):
        super().__init__(llama, rows, options)
        d, h, g = llama.hidden, options.router_hidden, self.generator
        for layer in filter(self.gated, range(llama.num_layers)):
            p = f"layers.{layer}.router."
            self.add(p + "0.weight", linear(g, h, d))
            self.add(p + "0.bias", torch.zeros(h))
            self.add(p + "norm.weight", torch.ones(h))
            self.add(p + "1.weight", linear(g, 2, h))
            self.add(p + "1.bias", torch.tensor([0.1, 2.0]))
        for layer in range(llama.num_layers):
            for target in TARGETS:
                self.add_update(layer, target)

    def add_update(self, layer, target):
        """LoRA without scaling: A is N(0, 1/r), B is zero."""
        rank, name = self.o.rank, f"model.layers.{layer}.{PROJECTIONS[target]}"
        p, out = f"layers.{layer}.{target}_proj.", self.m.w[name + ".weight"].shape[0]
        noise = torch.randn(rank, self.m.hidden, generator=self.generator)
        a = self.add(p + "lora_a", noise * rank**-0.5)
        b = self.add(p + "lora_b", torch.zeros(out, rank))
        self.m.updates[name] = functools.partial(self.update, a, b)

    def update(self, a, b, x):
        y = F.linear(F.linear(x, a), b)
        return F.dropout(y, self.o.dropout, training=torch.is_grad_enabled())

    def groups(self):
        routers = {k: v for k, v in self.tensors.items() if ".router." in k}
        decayed = [v for k, v in routers.items() if k.endswith(("0.weight", "1.weight"))]
        plain = [v for k, v in routers.items() if not k.endswith(("0.weight", "1.weight"))]
        lora = [v for k, v in self.tensors.items() if ".lora_" in k]
        return [
            {"params": lora, "rate": self.o.rate, "weight_decay": 0.02},
            {"params": decayed, "rate": self.o.router_rate, "weight_decay": 0.02},
            {"params": plain, "rate": self.o.router_rate, "weight_decay": 0.0},
        ]

    def margin(self, layer, x):
        p, r = f"layers.{layer}.router.", self.tensors
        u = F.linear(x, r[p + "0.weight"], r[p + "0.bias"])
        u = u * torch.rsqrt(u.square().mean(-1, keepdim=True) + self.m.eps)
        z = F.linear(F.silu(u * r[p + "norm.weight"]), r[p + "1.weight"], r[p + "1.bias"])
        return z[..., 1] - z[..., 0]

    def layer(self, layer, x, choose):
        if not self.gated(layer):
            return self.m.block(layer, x), torch.ones_like(x[None, ..., 0])
        ran = choose(self.margin(layer, x))
        y = self.m.block(layer, x, ran)
        return ran[..., None] * y + (1 - ran[..., None]) * x, ran[None]

    def loss(self, batch, progress):
        ce, cells = self.train_forward(batch, self.o.tau)
        share = cells[:, 0, batch.real].mean()
        if self.o.budget_loss == "token":
            counted = batch.real.clone()
            counted[:, : self.o.reserved_positions] = False
            gap = (cells[:, 0, counted].mean(0) - self.o.target).abs()
            budget = self.o.budget_weight * math.sin(math.pi / 2 * progress) * gap.mean()
        else:
            gap = share - (1 + (self.o.target - 1) * anneal(progress))
            budget = 8 * gap * gap + gap.abs()
        return ce + budget, {"ce": ce.item(), "cells": share.item()}

    def rates_json(self, rates):
        return [round(float(r), 4) for r in rates[:, 0]]

    def describe(self):
        """Keys of depth.json before the model's."""
        return {
            "router_hidden_size": self.o.router_hidden,
            "first_gated_layer": self.o.first_gated_layer,
            "reserved_positions": self.o.reserved_positions,
            "rms_norm_eps": self.m.eps,
            "lora": {"rank": self.o.rank, "targets": [t + "_proj" for t in TARGETS]},
        }
