"""What D-LLM and SkipGPT share: gates that run or skip per token, their training noise, thresholds.

A gate gives a margin per token: score of executing minus score of skipping, from the raw residual
that enters the layer. It executes when the margin reaches a threshold.
"""

import functools

import numpy as np
import torch
import torch.nn.functional as F


def linear(generator, rows, columns):
    """Initial weight of a linear layer, uniform as in torch.nn.Linear."""
    return (torch.rand(rows, columns, generator=generator) * 2 - 1) * columns**-0.5


def execute(margin):
    """One where the margin is not negative; the gradient is that of the sigmoid."""
    soft = torch.sigmoid(margin)
    return (soft >= 0.5).to(soft.dtype) + (soft - soft.detach())


class Gates:
    """A frozen model with trainable gates; subclasses give the gates and the loss.

    `layer(layer, x, choose)` runs one layer and returns the residual and its cells [S, B, T]: one or
    zero for each of S sublayers that are decided apart. `choose` turns margins into cells.
    `tensors` are the trainable parameters under the names they have in the artefact.
    """

    policy = ""
    sign = 1  # -1 where thresholds in depth.json are on skipping minus executing

    def __init__(self, llama, rows, options):
        self.m, self.rows, self.o = llama, rows, options
        self.tensors, self.threshold = {}, 0.0
        self.generator = torch.Generator().manual_seed(options.seed)
        # The dense model's choices on test rows, before anything is added to it.
        self.dense_tokens, self.dense_nll = [], 0.0
        with torch.no_grad():
            for batch in rows.batches(rows.test):
                logits = llama.head(llama.dense(batch.ids)[0][batch.predicts])
                self.dense_tokens.append(logits.argmax(-1))
                self.dense_nll += F.cross_entropy(logits, batch.targets, reduction="sum").item()
        self.dense_nll /= sum(len(t) for t in self.dense_tokens)
        print(f"dense, {len(rows.test)} test rows: nll {self.dense_nll:.4f}, cells 1.000", flush=True)

    def add(self, name, value):
        """A new trainable parameter."""
        parameter = value.to(self.m.device, self.m.real).requires_grad_(True)
        self.tensors[name] = parameter
        return parameter

    def gated(self, layer):
        return layer >= self.o.first_gated_layer

    # ---- decisions -------------------------------------------------------------------------

    def reserve(self, cells):
        """The first positions of a row always run."""
        n = self.o.reserved_positions
        return torch.cat([torch.ones_like(cells[:, :n]), cells[:, n:]], 1)

    def sample(self, tau, margin):
        """Cells of a training pass: Gumbel noise on both classes, straight-through gradient."""
        u = torch.rand_like(margin).clamp(1e-6, 1 - 1e-6)
        return self.reserve(execute((margin + u.log() - (-u).log1p()) / tau))

    def decide(self, threshold, margin):
        """Cells of inference."""
        return self.reserve((margin >= threshold).to(margin.dtype))

    def forward(self, ids, choose):
        """Last residual of ids [B, T] and cells [L, S, B, T]."""
        x, cells = self.m.embed(ids), []
        for layer in range(self.m.num_layers):
            x, ran = self.m.run(self.layer, layer, x, choose)
            cells.append(ran)
        return x, torch.stack(cells)

    def train_forward(self, batch, tau):
        """Cross-entropy of the tokens that count, and the cells."""
        x, cells = self.forward(batch.ids, functools.partial(self.sample, tau))
        return F.cross_entropy(self.m.head(x[batch.predicts]), batch.targets), cells

    # ---- thresholds and quality ------------------------------------------------------------

    @torch.no_grad()
    def rates(self, threshold, rows):
        """[L, S] share of tokens that run."""
        ran, count = 0.0, 0
        for batch in self.rows.batches(rows):
            _, cells = self.forward(batch.ids, functools.partial(self.decide, threshold))
            ran = ran + cells[:, :, batch.real].double().sum(-1).cpu().numpy()
            count += int(batch.real.sum())
        return ran / count

    @torch.no_grad()
    def grid(self, points=13):
        """Quantiles of all margins on the calibration rows, as candidates for thresholds."""
        seen = []
        for batch in self.rows.batches(self.rows.calibration):

            def record(margin):
                seen.append(margin[batch.real].cpu().numpy())
                return self.decide(0.0, margin)

            self.forward(batch.ids, record)
        return np.quantile(np.concatenate(seen), np.linspace(0, 1, points))

    def calibrate(self):
        """The threshold that reaches each budget of all cells, interpolated between candidates.

        Budgets out of reach are left out, but for the target: it gets the nearest threshold.
        """
        grid = self.grid()[::-1]
        shares = [self.rates(t, self.rows.calibration).mean() for t in grid]
        shares = np.maximum.accumulate(shares)
        wanted = [float(b) for b in self.o.budgets.split(",")]
        budgets = {b for b in wanted if shares[0] <= b <= shares[-1]} | {self.o.target}
        print(f"reachable budgets: {shares[0]:.3f} to {shares[-1]:.3f}", flush=True)
        budgets = sorted(budgets)
        found = np.interp(budgets, shares, grid)
        return {f"{b:.2f}": float(f"{t:.6g}") for b, t in zip(budgets, found)}

    @torch.no_grad()
    def quality(self, threshold):
        """Test rows under inference rules: nll, agreement with the dense model, cells."""
        nll, agree, count = 0.0, 0, 0
        for batch, dense in zip(self.rows.batches(self.rows.test), self.dense_tokens):
            x, _ = self.forward(batch.ids, functools.partial(self.decide, threshold))
            logits = self.m.head(x[batch.predicts])
            nll += F.cross_entropy(logits, batch.targets, reduction="sum").item()
            agree += int((logits.argmax(-1) == dense).sum())
            count += len(dense)
        rates = self.rates(threshold, self.rows.test)
        return {
            "nll_per_answer_token": round(nll / count, 4),
            "agreement": round(agree / count, 4),
            "cells": round(float(rates.mean()), 4),
            "rates": self.rates_json(rates),
        }

    def finish(self):
        """Thresholds by budget and held-out quality, for depth.json."""
        found = self.calibrate()
        budgets = {b: self.quality(t) for b, t in found.items()}
        for b, q in budgets.items():
            print(f"{self.policy} budget {b}: nll {q['nll_per_answer_token']:.4f} "
                  f"(dense {self.dense_nll:.4f}), agreement {q['agreement']:.4f}, "
                  f"cells {q['cells']:.3f} (dense 1.000)", flush=True)  # fmt: skip
        default = f"{self.o.target:.2f}"
        thresholds = {b: self.sign * t for b, t in {"default": found[default], **found}.items()}
        rows = {"calibration_rows": len(self.rows.calibration), "test_rows": len(self.rows.test)}
        quality = {**rows, "dense_nll_per_answer_token": round(self.dense_nll, 4), **budgets[default]}
        return {
            "thresholds": thresholds,
            "default_budget": default,
            "quality": {**quality, "by_budget": budgets},
        }
