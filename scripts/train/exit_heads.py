"""Self-distilled exit heads (after Valade 2024): a linear lens per exit on a frozen model.

An exit's distribution is that of the model's own final norm and head on W x + b. W starts as the
identity; it is trained by the divergence from the model's own final distribution, so no labels are
needed.
"""

import torch
import torch.nn.functional as F

NEVER = {"entropy": -1.0, "top1": 2.0}


def add_options(parser):
    parser.add_argument("--exits", help="numbers of layers run, as 3,6,9; default 1/5 to 4/5 of all")
    parser.add_argument("--measure", choices=list(NEVER), default="entropy",
                        help="of confidence: low entropy, or high top probability")  # fmt: skip
    parser.add_argument("--agreement", type=float, default=0.99,
                        help="least share of leaving tokens that the whole model chooses too")  # fmt: skip
    parser.add_argument("--tokens-per-step", type=int, default=1024, help="drawn from a batch")
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.set_defaults(method=ExitHeads, warmup=0.05, beta=0.999)


def choose_threshold(scores, agrees, least):
    """Lowest score such that of the tokens at or above it enough agree; None if there is none."""
    order = torch.argsort(scores, descending=True)
    scores, agrees = scores[order], agrees[order]
    share = agrees.double().cumsum(0) / torch.arange(1, len(agrees) + 1)
    following = torch.cat([scores[1:], scores[-1:] - 1e-3])
    good = torch.nonzero((share >= least) & (following < scores))
    if len(good) == 0:
        return None
    middle = (scores[good[-1]] + following[good[-1]]) / 2  # clear of both neighbours
    return float(f"{middle.item():.6g}")


class ExitHeads:
    policy = "exit"

    def __init__(self, llama, rows, options):
        self.m, self.rows, self.o = llama, rows, options
        n = llama.num_layers
        default = [round(n * i / 5) for i in range(1, 5)]
        exits = [int(e) for e in options.exits.split(",")] if options.exits else default
        self.exits = sorted({e for e in exits if 0 < e < n})
        if not self.exits or (options.exits and len(self.exits) < len(exits)):
            raise SystemExit(f"--exits: expected numbers of layers in 1..{n - 1}, each once")
        self.tensors = {}
        for e in self.exits:
            eye = torch.eye(llama.hidden, device=llama.device, dtype=llama.real)
            self.tensors[f"exits.{e}.lens.weight"] = eye.requires_grad_(True)
            zeros = torch.zeros(llama.hidden, device=llama.device, dtype=llama.real)
            self.tensors[f"exits.{e}.lens.bias"] = zeros.requires_grad_(True)

    def groups(self):
        tensors = list(self.tensors.values())
        return [{"params": tensors, "rate": self.o.rate, "weight_decay": 0.0}]

    def logits(self, exit_layer, x):
        p = f"exits.{exit_layer}.lens."
        return self.m.head(F.linear(x, self.tensors[p + "weight"], self.tensors[p + "bias"]))

    def loss(self, batch, progress):
        last, taps = self.m.dense(batch.ids, self.exits)
        rows = torch.nonzero(batch.predicts)
        rows = rows[torch.randperm(len(rows))[: self.o.tokens_per_step].to(rows.device)]
        pick = tuple(rows.T)
        with torch.no_grad():
            final = self.m.head(last[pick]).log_softmax(-1)
        parts = []
        for e in self.exits:
            here = self.logits(e, taps[e][pick]).log_softmax(-1)
            parts.append(F.kl_div(here, final, log_target=True, reduction="batchmean"))
        return sum(parts), {f"kl {e}": part.item() for e, part in zip(self.exits, parts)}

    # ---- thresholds and quality ------------------------------------------------------------

    def score(self, log_probabilities):
        """How sure each row [N, V] is; higher is surer."""
        if self.o.measure == "top1":
            return log_probabilities.amax(-1).exp()
        return (log_probabilities.exp() * log_probabilities).sum(-1)

    @torch.no_grad()
    def trace(self, rows):
        """Per exit and at the end: scores [E, N], agreement with the end [E + 1, N], nll [E + 1, N]."""
        scores, agrees, losses = [], [], []
        for batch in self.rows.batches(rows):
            last, taps = self.m.dense(batch.ids, self.exits)
            end = self.m.head(last[batch.predicts]).log_softmax(-1)
            parts = [self.logits(e, taps[e][batch.predicts]).log_softmax(-1) for e in self.exits]
            scores.append(torch.stack([self.score(p) for p in parts]).cpu())
            agrees.append(torch.stack([p.argmax(-1) == end.argmax(-1) for p in [*parts, end]]).cpu())
            nll = [-p.gather(1, batch.targets[:, None])[:, 0] for p in [*parts, end]]
            losses.append(torch.stack(nll).cpu())
        return (torch.cat(a, 1) for a in (scores, agrees, losses))

    def calibrate(self):
        """One threshold per exit, over the tokens that no earlier exit took."""
        scores, agrees, _ = self.trace(self.rows.calibration)
        left, found = torch.ones(scores.shape[1], dtype=torch.bool), []
        for i in range(len(self.exits)):
            t = None
            if left.any():
                t = choose_threshold(scores[i, left], agrees[i, left], self.o.agreement)
            found.append(t)
            left &= scores[i] < (float("inf") if t is None else t)
        return found

    def quality(self, found):
        """What the thresholds do on test rows, keys and values as in the whole model."""
        scores, agrees, losses = self.trace(self.rows.test)
        took = torch.full((scores.shape[1],), len(self.exits))
        for i in reversed(range(len(self.exits))):
            if found[i] is not None:
                took[scores[i] >= found[i]] = i
        layers = torch.tensor([*self.exits, self.m.num_layers])[took]
        tokens = torch.arange(len(took))
        return {
            "calibration_rows": len(self.rows.calibration),
            "test_rows": len(self.rows.test),
            "dense_nll_per_answer_token": round(losses[-1].mean().item(), 4),
            "nll_per_answer_token": round(losses[took, tokens].mean().item(), 4),
            "agreement": round(agrees[took, tokens].double().mean().item(), 4),
            "cells": round(layers.double().mean().item() / self.m.num_layers, 4),
            "taken": [round((took == i).double().mean().item(), 4) for i in range(len(self.exits))],
        }

    def finish(self):
        """Thresholds and held-out quality, for depth.json."""
        found = self.calibrate()
        q = self.quality(found)
        print(f"exit heads: nll {q['nll_per_answer_token']:.4f} "
              f"(dense {q['dense_nll_per_answer_token']:.4f}), agreement {q['agreement']:.4f}, "
              f"cells {q['cells']:.3f} (dense 1.000)", flush=True)  # fmt: skip
        sign, exits = (-1 if self.o.measure == "entropy" else 1), []
        for e, t, share in zip(self.exits, found, q["taken"]):
            threshold = NEVER[self.o.measure] if t is None else sign * t
            exits.append({"layer": e, "threshold": threshold})
            note = "; never taken: leave it out with --exits" if t is None else ""
            what = f"{self.o.measure} {threshold}, {share:.1%} of tokens{note}"
            print(f"  after {e} layers: {what}", flush=True)
        return {"exits": exits, "quality": q}

    def describe(self):
        """Keys of depth.json before the model's."""
        return {"measure": self.o.measure, "lens": True, "agreement": self.o.agreement}
