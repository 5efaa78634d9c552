"""Trains a depth artefact for any Llama in a Hugging Face folder; the model itself stays as it is.

    train_artefact.py METHOD MODEL_FOLDER DATA.jsonl OUT_FOLDER [options]

METHOD is dllm, skipgpt (stage 1) or exit-heads; `METHOD --help` lists its options. DATA holds token
ids, one row per line: {"prompt_ids": [..], "completion_ids": [..]}, loss on the completion alone,
or {"text_ids": [..]}. A run that was stopped continues from its checkpoint; on a CPU, with the same
number of threads, it gives the same bytes as one that was not.
"""

import argparse
import math
import os
import time

import torch

import dllm
import exit_heads
import export
import llama as lm
import model as mdl
import rows as data
import skipgpt

METHODS = {"dllm": dllm, "skipgpt": skipgpt, "exit-heads": exit_heads}
NOT_SETTINGS = ("model", "data", "out", "method", "checkpoint", "save_every", "stop_after", "smoke")


def parse_options(arguments):
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    methods = p.add_subparsers(dest="name", required=True, metavar="METHOD")
    for name, module in METHODS.items():
        show = argparse.ArgumentDefaultsHelpFormatter
        m = methods.add_parser(name, description=module.__doc__, formatter_class=show)
        add_options(m)
        module.add_options(m)
    o = p.parse_args(arguments)
    if o.smoke:
        o.steps, o.held_out = 3, 8
    o.checkpoint = o.checkpoint or o.out.rstrip("/") + ".checkpoint.pt"
    return o


def add_options(p):
    p.add_argument("model", help="folder with config.json and safetensors")
    p.add_argument("data", help="JSON lines with token ids")
    p.add_argument("out", help="folder of the artefact, for --depth POLICY:artefact=OUT")
    p.add_argument("--steps", type=int, default=1000)
    p.add_argument("--batch", type=int, default=8, help="rows that are computed at once")
    p.add_argument("--accumulate", type=int, default=1, help="batches per step")
    p.add_argument("--warmup", type=float, help="share of the steps; then a cosine to zero")
    p.add_argument("--clip", type=float, default=1.0, help="norm of the gradient")
    p.add_argument("--max-tokens", type=int, default=1024, help="of a row; the rest is cut")
    p.add_argument("--held-out", type=int, default=200,
                   help="rows for thresholds (half) and for the quality reported (half)")  # fmt: skip
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ..")
    p.add_argument("--dtype", choices=["float32", "bfloat16", "float64"], default="float32",
                   help="of weights and matrix products; all else is at least float32")  # fmt: skip
    p.add_argument("--recompute", action="store_true", help="less memory, a third more time")
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--checkpoint", help="default: OUT.checkpoint.pt")
    p.add_argument("--save-every", type=int, default=100, help="steps between checkpoints")
    p.add_argument("--stop-after", type=int, help="stop after this step; run again to go on")
    p.add_argument("--smoke", action="store_true", help="3 steps, 8 held-out rows")


class Trainer:
    """The loop around a method. Batch and noise of a step depend on its number alone."""

    def __init__(self, method, rows, options, origin):
        self.method, self.rows, self.o = method, rows, options
        self.settings = {k: v for k, v in vars(options).items() if k not in NOT_SETTINGS}
        self.settings.update(origin)
        self.groups = method.groups()
        self.optimiser = torch.optim.AdamW(self.groups, lr=0.0, betas=(0.9, options.beta))
        self.step = 0

    def scale(self):
        """Learning rate of this step as a share of the highest: warm-up, then a cosine to zero."""
        warm = max(1, round(self.o.warmup * self.o.steps))
        if self.step < warm:
            return (self.step + 1) / warm
        return 0.5 + 0.5 * math.cos(math.pi * (self.step - warm) / max(1, self.o.steps - warm))

    def save(self):
        tensors = {k: v.detach().cpu() for k, v in self.method.tensors.items()}
        state = {"settings": self.settings, "step": self.step, "tensors": tensors,
                 "optimiser": self.optimiser.state_dict()}  # fmt: skip
        os.makedirs(os.path.dirname(os.path.abspath(self.o.checkpoint)), exist_ok=True)
        torch.save(state, self.o.checkpoint + ".tmp")
        os.replace(self.o.checkpoint + ".tmp", self.o.checkpoint)

    def restore(self):
        state = torch.load(self.o.checkpoint, map_location="cpu")
        old, new = state["settings"], self.settings
        other = {k: (old.get(k), new.get(k)) for k in {*old, *new} if old.get(k) != new.get(k)}
        if other:
            raise SystemExit(f"{self.o.checkpoint} was made with other settings {other} (then, now);"
                             " delete it or use the same")  # fmt: skip
        with torch.no_grad():
            for name, tensor in self.method.tensors.items():
                tensor.copy_(state["tensors"][name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
        print(f"continues after step {self.step}", flush=True)

    def update(self):
        """One step; returns the means of the method's numbers."""
        torch.manual_seed(self.o.seed * 1_000_003 + self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * self.scale()
        sums = {}
        for part in range(self.o.accumulate):
            batch = self.rows.batch(self.step * self.o.accumulate + part)
            loss, numbers = self.method.loss(batch, self.step / self.o.steps)
            (loss / self.o.accumulate).backward()
            for key, value in numbers.items():
                sums[key] = sums.get(key, 0.0) + value / self.o.accumulate
        torch.nn.utils.clip_grad_norm_([t for g in self.groups for t in g["params"]], self.o.clip)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        return sums

    def run(self):
        """Trains to the end, or to --stop-after; returns whether this is the end."""
        if os.path.exists(self.o.checkpoint):
            self.restore()
        end, start = min(self.o.steps, self.o.stop_after or self.o.steps), time.time()
        first, every = self.step, max(1, min(25, self.o.steps // 20))
        while self.step < end:
            numbers = self.update()
            if self.step % every == 0:
                pace = (time.time() - start) / (self.step - first)
                text = ", ".join(f"{k} {v:.4f}" for k, v in numbers.items())
                print(f"step {self.step}/{self.o.steps}: {text}, {pace:.2f} s/step", flush=True)
            if self.step % self.o.save_every == 0 or self.step == end:
                self.save()
        return self.step >= self.o.steps


def write(method, options, origin, extra):
    """depth.json comes last, so that a folder with one is complete."""
    os.makedirs(options.out, exist_ok=True)
    description = os.path.join(options.out, "depth.json")
    if os.path.exists(description):
        os.remove(description)
    target = os.path.join(options.out, "depth.safetensors")
    tensors = {k: v.detach().cpu() for k, v in method.tensors.items()}
    mdl.save(target + ".tmp", tensors, "F32", {"format": "pt"})
    os.replace(target + ".tmp", target)
    meta = {"version": 1, "policy": method.policy, "num_layers": method.m.num_layers,
            "hidden_size": method.m.hidden, **method.describe(), **origin}  # fmt: skip
    export.dump(description, {**meta, **extra})


def main(arguments=None):
    o = parse_options(arguments)
    torch.set_num_threads(o.threads)
    origin = {"model_sha256": lm.digest(lm.weight_files(o.model))}
    tokenizer = os.path.join(o.model, "tokenizer.json")
    if os.path.exists(tokenizer):
        origin["tokenizer_sha256"] = export.sha256(tokenizer)
    model = lm.load(o.model, o.device, getattr(torch, o.dtype))
    model.recompute = o.recompute
    limit = min(o.max_tokens, model.c["max_position_embeddings"])
    every = data.read(o.data, model.c["vocab_size"], limit)
    rows = data.Rows(every, o.held_out, o.batch, o.seed, o.device)
    method = o.method(model, rows, o)
    trainer = Trainer(method, rows, o, {**origin, "data_sha256": lm.digest([o.data])})
    if not trainer.run():
        print(f"stopped after step {trainer.step} of {o.steps}; run again to go on")
        return
    extra = method.finish()
    settings = {k: v for k, v in trainer.settings.items() if k not in origin and v is not None}
    write(method, o, origin, {**extra, "trained": settings})
    print(f"{method.policy}: {o.steps} steps, artefact in {o.out}", flush=True)


if __name__ == "__main__":
    main()
