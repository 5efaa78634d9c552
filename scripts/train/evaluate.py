"""Free-running evaluation: greedy answers for whole mails, exact match per field, executed cells."""

import argparse
import json
import os

import numpy as np
import torch

import bpe
import data
import decode
import export
import model as mdl


def open_depth(folder, kind, shape, weights, budget=None):
    """Reads depth/<kind>; returns (depth, lora)."""
    base = os.path.join(folder, "depth", kind)
    meta = json.load(open(os.path.join(base, "depth.json"), encoding="utf-8"))
    tensors = mdl.load(os.path.join(base, "depth.safetensors"))
    model = mdl.Model(shape, weights, torch.float32)
    depth = mdl.Depth(
        model, kind, meta.get("router_hidden_size", 32), meta.get("first_gated_layer", 2),
        meta.get("reserved_positions", 2), meta.get("rates"), meta.get("keep"),
    )  # fmt: skip
    depth.gates = {k: v for k, v in tensors.items() if ".router." in k}
    if kind == "dllm":
        depth.threshold = meta["thresholds"][budget or "default"]
    lora = {
        (i, key): (tensors[f"layers.{i}.{key}.lora_a"], tensors[f"layers.{i}.{key}.lora_b"])
        for i in range(shape.layers)
        for key in meta["lora"]["targets"]
    }
    return depth, lora


def parse(text):
    """The record of an answer, or None when it is not a JSON object with the four fields."""
    try:
        record = json.loads(text)
    except ValueError:
        return None
    ok = isinstance(record, dict) and list(record) == data.FIELDS
    return record if ok and all(isinstance(v, str) for v in record.values()) else None


def run(runner, tok, mails, batch=32):
    """Answers every mail; returns scores and executed cells."""
    order = sorted(range(len(mails)), key=lambda i: len(mails[i]["content"]))
    hits, valid, rows = np.zeros(4), 0, []
    prompt, answer = np.zeros(2), np.zeros(2)
    layers = np.zeros((runner.s.layers, 2))
    for at in range(0, len(order), batch):
        part = [mails[i] for i in order[at : at + batch]]
        prompts = [[bpe.MAIL] + tok.encode(m["content"]) + [bpe.JSON] for m in part]
        for m, p, (ids, _, cells) in zip(part, prompts, runner.generate(prompts)):
            text = tok.decode(ids)
            record = parse(text)
            valid += record is not None
            good = [record is not None and record[k] == m[k] for k in data.FIELDS]
            hits += good
            rows.append((m["id"], text, good))
            c = cells.numpy()
            prompt += (c[:, : len(p)].sum(), c[:, : len(p)].size)
            answer += (c[:, len(p) :].sum(), c[:, len(p) :].size)
            layers += np.stack([c.sum(1), np.full(len(c), c.shape[1])], 1)
    n = len(mails)
    scores = {k: round(100 * h / n, 2) for k, h in zip(data.FIELDS, hits)}
    scores["all_fields"] = round(100 * sum(all(g) for _, _, g in rows) / n, 2)
    scores["valid_json"] = round(100 * valid / n, 2)
    scores["cells_prompt"] = round(prompt[0] / prompt[1], 4)
    scores["cells_answer"] = round(answer[0] / answer[1], 4)
    scores["cells_total"] = round((prompt[0] + answer[0]) / (prompt[1] + answer[1]), 4)
    scores["cells_by_layer"] = [round(float(a / b), 3) for a, b in layers]
    scores["mails"] = n
    return scores, rows


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mails")
    p.add_argument("folder")
    p.add_argument("--policy", default="dense", choices=["dense", "dllm", "static", "random"])
    p.add_argument("--budget", help="threshold key of a dllm artefact")
    p.add_argument("--lora-only", action="store_true", help="dense with the policy's LoRA")
    p.add_argument("--split", default="test", choices=["test", "calibration"])
    p.add_argument("--limit", type=int)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--out", help="write scores and answers as JSON")
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    shape, weights = export.open_base(a.folder)
    tok = bpe.Tokenizer(os.path.join(a.folder, "tokenizer.json"))
    mails = data.read(a.mails)
    keep = (lambda m: m["split"] == "test") if a.split == "test" else data.is_calibration
    mails = [m for m in mails if keep(m)]
    mails = mails[:: max(1, len(mails) // a.limit)][: a.limit] if a.limit else mails
    depth = lora = None
    if a.policy != "dense":
        depth, lora = open_depth(a.folder, a.policy, shape, weights, a.budget)
    scores, rows = run(decode.Runner(shape, weights, lora, depth), tok, mails)
    print(a.policy, a.budget or "", json.dumps(scores))
    if a.out:
        with open(a.out, "w", encoding="utf-8") as f:
            json.dump({"policy": a.policy, "scores": scores, "rows": rows}, f)


if __name__ == "__main__":
    main()
