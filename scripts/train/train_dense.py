"""Trains the dense base model with layer dropout and a rotating early-exit loss."""

import argparse
import os
import random
import time

import numpy as np
import torch
import torch.nn.functional as F

import bpe
import data
import model as mdl
from optim import Optimiser


class LabelTarget:
    """Soft targets of the label token: gold and teacher mixed, the rest on the other label."""

    def __init__(self, tok):
        (self.ham,), (self.spam,) = tok.encode("ham"), tok.encode("spam")

    def mix(self, logp, targets, rows, field, target):
        """Cross-entropy per row; rows index the flattened [B, T-1] next-token positions."""
        gold = -logp.gather(1, targets[:, None])[:, 0]
        other = -logp.gather(1, (self.ham + self.spam - targets).clamp(min=0)[:, None])[:, 0]
        is_label = field[:, 1:] == 2
        share = np.where(is_label, target[:, None], 1.0).astype(np.float32)
        share = torch.from_numpy(share).flatten()[rows]
        return share * gold + torch.where(share < 1, (1 - share) * other, torch.zeros(()))


def evidence_loss(model, x, field, ids, labels, rng, share=0.25):
    """Teaches positions inside the mail to tell the label from what they have read.

    One token of a mail carries the label, thousands of bytes carry the evidence; this asks a
    quarter of the prompt positions, too, with a soft-max over the two label tokens alone.
    """
    soft, _, target = labels
    inside = (field == 0) & (np.arange(field.shape[1]) >= 24) & (rng.random(field.shape) < share)
    rows = np.flatnonzero(inside)
    hidden = x.reshape(-1, x.shape[-1])[torch.from_numpy(rows)]
    two = model.logits(hidden).float()[:, [soft.ham, soft.spam]]
    gold = ids.numpy()[np.arange(len(ids)), (field == 2).argmax(1)] == soft.spam
    spam = np.where(gold, target, 1 - target).astype(np.float32)[rows // field.shape[1]]
    return F.binary_cross_entropy_with_logits(two[:, 1] - two[:, 0], torch.from_numpy(spam))


def loss_of(model, x, ids, weight, rng, labels, keep_prompt=0.35, only_answer=False):
    """Weighted next-token loss at the positions that carry weight.

    labels: LabelTarget, field numbers [B,T] and the gold label's probability [B].
    """
    w = weight[:, 1:].copy()
    prompt = w == np.float32(data.W_PROMPT)
    if only_answer:
        w[prompt] = 0
    else:
        w[prompt & (rng.random(w.shape) > keep_prompt)] = 0
    rows = torch.from_numpy(np.flatnonzero(w))
    wt = torch.from_numpy(w).flatten()[rows]
    hidden = x[:, :-1].reshape(-1, x.shape[-1])[rows]
    soft, field, target = labels
    logp = F.log_softmax(model.logits(hidden).float(), -1)
    ce = soft.mix(logp, ids[:, 1:].reshape(-1)[rows], rows, field, target)
    return (ce * wt).sum() / wt.sum()


@torch.no_grad()
def forced(run, tok, mails, batch=32):
    """Teacher-forced exact match per field: every token of the field is the argmax."""
    samples = sorted((data.encode(tok, m["content"], m) for m in mails), key=lambda s: len(s[0]))
    hits, nll, count = np.zeros(4), 0.0, 0
    for at in range(0, len(samples), batch):
        ids, _, field = data.pad(samples[at : at + batch])
        x, model = run(torch.from_numpy(ids))
        for b in range(len(ids)):
            pos = np.flatnonzero(field[b] >= 1)
            logits = model.logits(x[b, pos - 1])
            target = torch.from_numpy(ids[b, pos])
            nll += F.cross_entropy(logits, target, reduction="sum").item()
            count += len(pos)
            good = (logits.argmax(-1) == target).numpy()
            for k in range(4):
                hits[k] += good[field[b, pos] == 2 + k].all()
    return hits / len(samples) * 100, nll / count


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mails")
    p.add_argument("windows", help="output of windows.py")
    p.add_argument("tokenizer")
    p.add_argument("out", help="checkpoint to write; training resumes from it when it exists")
    p.add_argument("--init", help="checkpoint whose weights to start from, for a second cycle")
    p.add_argument("--peak", type=float, default=1.0, help="factor on the learning rates")
    p.add_argument("--steps", type=int, default=2500)
    p.add_argument("--minutes", type=float, help="follow the clock instead of --steps")
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--short-until", type=float, default=0.75, help="share of the run with short mails")
    p.add_argument("--layer-drop", type=float, default=0.06)
    p.add_argument("--evidence", type=float, default=0.3, help="weight of the label inside the mail")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--save-minutes", type=float, default=3)
    p.add_argument("--smoke", action="store_true", help="50 steps, no evaluation")
    p.add_argument("--profile", action="store_true", help="20 steps, prints the rate")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    tok = bpe.Tokenizer(a.tokenizer)
    every = data.read(a.mails)
    held = [m for m in every if data.is_calibration(m)]
    mails = [m for m in every if m["split"] == "train"]
    shape = mdl.Shape(vocab=len(tok.vocab))
    weights = mdl.init(shape, a.seed)
    step, spent = 0, 0.0
    saved = torch.load(a.out) if os.path.exists(a.out) else None
    if a.init and not saved:
        weights = torch.load(a.init)["weights"]
    if saved:
        weights, step, spent = saved["weights"], saved["step"], saved["spent"]
    for t in weights.values():
        t.requires_grad_(True)
    flat = lambda k: "proj" not in k
    opt = Optimiser(
        [t for k, t in weights.items() if not flat(k)], [t for k, t in weights.items() if flat(k)]
    )
    if saved:
        opt.restore(saved["opt"])
    model = mdl.Model(shape, weights)
    print("parameters", sum(t.numel() for t in weights.values()), "held out", len(held), flush=True)

    batches = data.Batches(mails, tok, a.seed + step, data.read_windows(a.windows))
    soft = LabelTarget(tok)
    rng, coin = np.random.default_rng(a.seed + step), random.Random(a.seed + step)
    torch.manual_seed(a.seed + step)
    start, last_save, tokens, window, mark = time.time(), time.time(), 0, [], time.time()

    def checkpoint():
        torch.save(
            {"weights": weights, "opt": opt.state(), "step": step, "spent": spent,
             "shape": vars(shape)},
            a.out + ".tmp",
        )  # fmt: skip
        os.replace(a.out + ".tmp", a.out)

    limit = 20 if a.profile else 50 if a.smoke else None
    while True:
        now = spent + time.time() - start
        progress = now / 60 / a.minutes if a.minutes else step / a.steps
        if progress >= 1 or (limit and step >= limit):
            break
        scale = a.peak * min(1.0, (step + 1) / 60) * max(0.01, min(1.0, (1 - progress) / 0.6))
        p_short = 0.3 if a.init or progress >= a.short_until else 0.6
        short = coin.random() < p_short
        ids, weight, field, target = batches.next(short, a.batch * 2 if short else a.batch)
        labels = (soft, field, target)
        x = torch.from_numpy(ids)
        age = 1.0 if a.init else progress  # a second cycle starts with the full recipe
        ramp = min(1.0, max(0.0, age - 0.15) / 0.3) * a.layer_drop
        drop = [
            i for i in range(2, shape.layers)
            if coin.random() < ramp * (2 ** (i / (shape.layers - 1)) - 1)
        ]  # fmt: skip
        tap = 2 + step % (shape.layers - 3) if age > 0.15 and step % 2 == 0 else None
        h, early = model.forward(x, drop, tap)
        loss = main_loss = loss_of(model, h, x, weight, rng, labels)
        if not short:
            loss = loss + a.evidence * evidence_loss(model, h, field, x, labels, rng)
        if early is not None:
            share = 0.03 + 0.2 * (tap + 1) / shape.layers
            loss = loss + share * loss_of(
                model, early, x, weight, rng, labels, only_answer=True
            )
        loss.backward()
        opt.step(scale)
        window.append(main_loss.item())
        tokens += ids.size
        step += 1
        if step % 50 == 0 or a.profile:
            rate = tokens / (time.time() - mark)
            print(f"step {step} progress {progress:.3f} loss {np.mean(window):.4f} tok/s {rate:.0f}", flush=True)
            tokens, window, mark = 0, [], time.time()
        if step % 200 == 0 and not limit:
            fields, nll = forced(lambda i: (model.forward(i)[0], model), tok, held)
            print(f"  held-out train threads: label/topic/sender/date {np.round(fields, 1)} nll {nll:.4f}", flush=True)
        if time.time() - last_save > a.save_minutes * 60:
            spent_before = spent
            spent += time.time() - start
            checkpoint()
            spent, last_save = spent_before, time.time()
    spent += time.time() - start
    if not a.profile:
        checkpoint()
    print(f"finished after {step} steps, {spent / 60:.1f} minutes", flush=True)


if __name__ == "__main__":
    main()
