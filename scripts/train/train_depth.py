"""Fine-tunes a frozen base model for half depth: learned gates (dllm) or a baseline.

All kinds train the same LoRA (q, k, v of every layer) with the same steps, data order and rates:
  dllm    gates decide per token and layer; the share of executed cells is pushed to --target
  static  a fixed list of layers (--keep)
  random  the per-layer rates of a dllm artefact, but tokens drawn at random
"""

import argparse
import json
import os
import time

import numpy as np
import torch

import bpe
import data
import export
import model as mdl
from train_dense import LabelTarget, forced, loss_of


def anneal(progress):
    """Budget of the gates over the run, as a share of the way from 1 to the target."""
    return min(1.0, max(0.0, (progress - 0.03) / 0.47))


@torch.no_grad()
def calibrate(depth, tok, mails, budgets):
    """Thresholds on z[1]-z[0] that reach each budget of all cells, by interpolation on a grid."""
    grid = [-2.5, -1.2, -0.6, -0.2, 0.2, 0.6, 1.2, 2.5]
    shares = []
    for depth.threshold in grid:
        shares.append(float(np.mean(rates_of(depth, tok, mails))))
    print("  threshold, cells:", list(zip(grid, np.round(shares, 3))), flush=True)
    found = np.interp(budgets, shares[::-1], grid[::-1])
    return {f"{b:.2f}": round(float(t), 4) for b, t in zip(budgets, found)}


@torch.no_grad()
def rates_of(depth, tok, mails):
    """Share of tokens each layer runs, over prompts and answers."""
    ran, count = 0.0, 0.0
    for at in range(0, len(mails), 32):
        ids, _, field = data.pad([data.encode(tok, m["content"], m) for m in mails[at : at + 32]])
        _, e = depth.forward(torch.from_numpy(ids))
        real = torch.from_numpy((field >= 0).astype(np.float32))
        ran = ran + (e * real).sum((1, 2))
        count += real.sum().item()
    return (ran / count).tolist()


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("kind", choices=["dllm", "static", "random"])
    p.add_argument("mails")
    p.add_argument("windows", help="output of windows.py")
    p.add_argument("folder", help="exported model; the artefact goes to depth/<kind> inside")
    p.add_argument("checkpoint", help="resumed when it exists")
    p.add_argument("--init", help="checkpoint of the same kind to start from")
    p.add_argument("--steps", type=int, default=600)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--target", type=float, default=0.53, help="share of all (token, layer) cells")
    p.add_argument("--rank", type=int, default=32)
    p.add_argument("--lora-rate", type=float, default=1.5e-3)
    p.add_argument("--gate-rate", type=float, default=3e-3)
    p.add_argument("--keep", help="static: comma-separated layers")
    p.add_argument("--rates", help="random: comma-separated rates per layer, if no dllm artefact")
    p.add_argument("--out-kind", help="artefact folder name, if not the kind")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--eval-every", type=int, default=200)
    p.add_argument("--stop-after", type=int, help="stop early (schedule unchanged)")
    p.add_argument("--smoke", action="store_true", help="50 steps, small evaluation")
    a = p.parse_args()
    if a.smoke:
        a.steps, a.eval_every = 50, 50
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    shape, weights = export.open_base(a.folder)
    tok = bpe.Tokenizer(os.path.join(a.folder, "tokenizer.json"))
    every = data.read(a.mails)
    held = [m for m in every if data.is_calibration(m)]
    held = held[:32] if a.smoke else held
    mails = [m for m in every if m["split"] == "train"]
    model = mdl.Model(shape, weights)
    rates = keep = None
    if a.rates:
        rates = [float(r) for r in a.rates.split(",")]
    elif a.kind == "random":
        meta = json.load(open(os.path.join(a.folder, "depth", "dllm", "depth.json")))
        rates = meta["quality"]["rates"]
    if a.kind == "static":
        keep = [int(i) for i in a.keep.split(",")]
    depth = mdl.Depth(model, a.kind, rates=rates, keep=keep, seed=a.seed)
    lora = export.new_lora(shape, a.rank, a.seed)
    if keep is not None:  # the other layers never run; their LoRA stays zero
        trained = {k: v for k, v in lora.items() if k[0] in keep}
    else:
        trained = lora
    groups = [
        {"params": [t for ab in trained.values() for t in ab], "rate": a.lora_rate, "weight_decay": 0.02},
        {"params": list(depth.gates.values()), "rate": a.gate_rate, "weight_decay": 0.0},
    ]
    groups = [g for g in groups if g["params"]]
    for g in groups:
        for t in g["params"]:
            t.requires_grad_(True)
    opt = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.95))
    model.lora = lora
    batches = data.Batches(mails, tok, a.seed, data.read_windows(a.windows))
    soft = LabelTarget(tok)
    rng = np.random.default_rng(a.seed)
    step, spent = 0, 0.0
    if a.init and not os.path.exists(a.checkpoint):
        with torch.no_grad():
            for g, h in zip(groups, torch.load(a.init)["groups"]):
                for t, v in zip(g["params"], h):
                    t.copy_(v)
    if os.path.exists(a.checkpoint):
        saved = torch.load(a.checkpoint)
        with torch.no_grad():
            for g, h in zip(groups, saved["groups"]):
                for t, v in zip(g["params"], h):
                    t.copy_(v)
        opt.load_state_dict(saved["opt"])
        step, spent = saved["step"], saved["spent"]
        for _ in range(step):
            batches.next(False, a.batch)

    def checkpoint():
        state = {"groups": [[t.detach() for t in g["params"]] for g in groups],
                 "opt": opt.state_dict(), "step": step, "spent": spent + time.time() - start}  # fmt: skip
        torch.save(state, a.checkpoint + ".tmp")
        os.replace(a.checkpoint + ".tmp", a.checkpoint)

    def report(label):
        fields, nll = forced(lambda i: (depth.forward(i)[0], model), tok, held)
        r = rates_of(depth, tok, held)
        print(f"  {label}: fields {np.round(fields, 1)} nll {nll:.4f} cells {np.mean(r):.3f} "
              f"by layer {np.round(r, 2).tolist()}", flush=True)  # fmt: skip
        return fields, nll, r

    start, window, mark, tokens = time.time(), [], time.time(), 0
    end = min(a.steps, a.stop_after or a.steps)
    while step < end:
        progress = step / a.steps
        scale = min(1.0, (step + 1) / 30) * max(0.02, min(1.0, (1 - progress) / 0.7))
        for g in opt.param_groups:
            g["lr"] = g["rate"] * scale
        ids, weight, field, label = batches.next(False, a.batch)
        x = torch.from_numpy(ids)
        tau = 1.5 - 1.0 * min(1.0, progress / 0.7)
        noise = 1.0 if progress < 0.6 else max(0.0, 1.0 - (progress - 0.6) / 0.2)
        h, e = depth.forward(x, tau if a.kind == "dllm" else None, noise)
        loss = ce = loss_of(model, h, x, weight, rng, (soft, field, label), only_answer=True)
        real = torch.from_numpy((field >= 0).astype(np.float32))
        share = (e * real).sum() / real.sum() / len(e)
        if a.kind == "dllm":
            target = a.target if a.init else 1.0 + (a.target - 1.0) * anneal(progress)
            gap = share - target
            loss = loss + 8 * gap * gap + 1.0 * gap.abs()
        loss.backward()
        torch.nn.utils.clip_grad_norm_([t for g in groups for t in g["params"]], 1.0)
        opt.step()
        opt.zero_grad(set_to_none=True)
        window.append((ce.item(), share.item()))
        tokens += ids.size
        step += 1
        if step % 25 == 0:
            c, s = np.mean(window, 0)
            print(f"step {step} ce {c:.4f} cells {s:.3f} tok/s {tokens / (time.time() - mark):.0f}", flush=True)
            window, mark, tokens = [], time.time(), 0
        if step % a.eval_every == 0 and step < end:
            report(f"held-out train threads, step {step}")
            checkpoint()
    checkpoint()
    minutes = (spent + time.time() - start) / 60

    model.lora = lora
    extra = {}
    if a.kind == "dllm":
        # thresholds are searched with the same fp32 arithmetic that evaluation uses
        exact = mdl.Model(shape, weights, torch.float32)
        exact.lora = {k: (x.detach(), y.detach()) for k, (x, y) in lora.items()}
        depth.model = exact
        found = calibrate(depth, tok, held[::2], [0.45, 0.5, 0.55, 0.6, 0.65])
        extra["thresholds"] = {"default": found["0.55"], **found}
        extra["default_budget"] = "0.55"
        depth.threshold = found["0.55"]
        model = exact
    fields, nll, r = report("final")
    extra["quality"] = {
        "calibration_mails": len(held),
        "teacher_forced": dict(zip(data.FIELDS, np.round(fields, 2).tolist())),
        "nll_per_answer_token": round(float(nll), 4),
        "cells": round(float(np.mean(r)), 4),
        "rates": [round(float(v), 4) for v in r],
    }
    extra["trained"] = {
        "steps": step, "batch": a.batch, "seed": a.seed, "lora_rate": a.lora_rate,
        "target_cells": a.target if a.kind == "dllm" else None, "minutes": round(minutes, 1),
    }  # fmt: skip
    export.export_depth(a.folder, a.out_kind or a.kind, depth, lora, extra)
    print(f"finished {a.kind} after {step} steps, {minutes:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
