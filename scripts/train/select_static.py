"""Greedy search for the fixed layer list that hurts the dense model least (no fine-tuning)."""

import argparse
import os

import numpy as np
import torch

import bpe
import data
import export
import model as mdl
from train_dense import forced


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mails")
    p.add_argument("folder")
    p.add_argument("--layers", type=int, default=7, help="layers to keep")
    p.add_argument("--limit", type=int, default=96)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--also", nargs="*", default=[], help="layer lists to score, comma-separated")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    shape, weights = export.open_base(a.folder)
    tok = bpe.Tokenizer(os.path.join(a.folder, "tokenizer.json"))
    mails = [m for m in data.read(a.mails) if data.is_calibration(m)][: a.limit]
    model = mdl.Model(shape, weights)

    def score(keep):
        drop = [i for i in range(shape.layers) if i not in keep]
        return forced(lambda ids: (model.forward(ids, drop)[0], model), tok, mails)

    def show(keep):
        fields, nll = score(keep)
        print(",".join(map(str, keep)), f"nll {nll:.4f}", np.round(fields, 1), flush=True)

    for text in a.also:
        show([int(i) for i in text.split(",")])
    keep = list(range(shape.layers))
    show(keep)
    while len(keep) > a.layers:
        trials = [[k for k in keep if k != gone] for gone in keep[1:]]
        keep = min(trials, key=lambda t: score(t)[1])
        show(keep)


if __name__ == "__main__":
    main()
