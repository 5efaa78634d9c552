"""Golden outputs of the trained model for the engine's tests; the mails are invented.

Everything is computed in float64 from the values in the exported files. A mail is kept only if no
gate and no greedy choice lies so close to its threshold that fp32 could decide otherwise.
"""

import argparse
import json
import os

import torch

import bpe
import data
import decode
import evaluate
import export


def top(logits, n=20):
    values, ids = logits.topk(n)
    return [[int(i), round(float(v), 6)] for v, i in zip(values, ids)]


class Watched(decode.Runner):
    """Keeps the smallest distance of any gate decision to its threshold and of any argmax."""

    near = 1e9

    def executes(self, layer, x, pos):
        d = self.depth
        if d is not None and d.kind == "dllm" and layer >= d.start:
            model = d.model
            kept, model_gates = d.gates, self.gates
            d.gates = model_gates
            z = d.scores(layer, x)
            d.gates = kept
            free = pos >= d.reserve
            if free.any():
                self.near = min(self.near, (z[free] - d.threshold).abs().min().item())
        return super().executes(layer, x, pos)

    def logits(self, x):
        out = super().logits(x)
        two = out.topk(2, -1).values
        self.near = min(self.near, (two[..., 0] - two[..., 1]).min().item())
        return out


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("mails", help="JSON lines of invented mails")
    p.add_argument("folder")
    p.add_argument("out", nargs="+")
    p.add_argument("--count", type=int, default=12)
    p.add_argument("--margin", type=float, default=5e-4)
    a = p.parse_args()
    torch.set_num_threads(1)
    shape, weights = export.open_base(a.folder)
    tok = bpe.Tokenizer(os.path.join(a.folder, "tokenizer.json"))
    depth, lora = evaluate.open_depth(a.folder, "dllm", shape, weights)
    cases = []
    for m in data.read(a.mails):
        if len(cases) == a.count:
            break
        ids = [bpe.MAIL] + tok.encode(m["content"]) + [bpe.JSON]
        case = {
            "id": m["id"],
            "content": m["content"],
            "prompt": "<|mail|>" + m["content"] + "<|json|>",
            "prompt_ids": ids,
            "gold": data.answer(m),
        }
        near = 1e9
        for key, runner in (
            ("dense", Watched(shape, weights, dtype=torch.float64)),
            ("dllm", Watched(shape, weights, lora, depth, torch.float64)),
        ):
            answer, first, cells = runner.generate([ids])[0]
            near = min(near, runner.near)
            case[key] = {
                "prompt_last_top20": top(first),
                "answer_ids": answer,
                "answer": tok.decode(answer),
            }
            if key == "dllm":
                case[key]["executed_cells"] = int(cells.sum())
                # one string of 0/1 per layer over prompt and fed answer tokens
                case[key]["mask"] = ["".join("01"[int(v)] for v in row) for row in cells]
        if near > a.margin:
            case["smallest_margin"] = round(near, 6)
            cases.append(case)
    meta = json.load(open(os.path.join(a.folder, "depth", "dllm", "depth.json")))
    result = {
        "arithmetic": "float64 from F16 weights and F32 depth tensors",
        "model_sha256": export.sha256(os.path.join(a.folder, "model.safetensors")),
        "tokenizer_sha256": export.sha256(os.path.join(a.folder, "tokenizer.json")),
        "depth_sha256": export.sha256(os.path.join(a.folder, "depth", "dllm", "depth.safetensors")),
        "threshold": meta["thresholds"]["default"],
        "end_id": bpe.END,
        "cases": cases,
    }
    for path in a.out:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path + ".tmp", "w", encoding="utf-8") as f:
            json.dump(result, f, ensure_ascii=True, separators=(",", ":"))
            f.write("\n")
        os.replace(path + ".tmp", path)
    print(len(cases), "cases,", os.path.getsize(a.out[0]), "bytes")


if __name__ == "__main__":
    main()
