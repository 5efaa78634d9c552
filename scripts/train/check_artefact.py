"""Checks of train_artefact.py on tiny random models: forward passes, formats, resuming.

Seconds on one thread; nothing is downloaded. The oracle is reference/ in float64, and for packed
inference the code that trained and evaluated the embedded model.
"""

import contextlib
import filecmp
import io
import json
import os
import random
import sys
import tempfile

import torch

import evaluate
import export
import goldens
import llama as lm
import model as mdl
import train_artefact
from exit_heads import choose_threshold
from reference import Gated, Reference
from rows import Rows, read

TINY = {"num_hidden_layers": 5, "num_key_value_heads": 2}
SHORT = ["--steps", "3", "--batch", "4", "--held-out", "8", "--threads", "1"]
DLLM = ["--router-hidden", "8", "--rank", "2", "--target", "0.7", "--budgets", "0.6,0.8"]
RATES = ["--rate", "0.05"]


def make_model(folder, dtype="F32", shards=1, seed=5, **changes):
    """Writes a random model; returns the oracle on exactly the values that were written."""
    config = goldens.make_config(**{**TINY, **changes})
    weights = goldens.make_weights(config, seed)
    weights = {k: goldens.rounded(w, dtype) for k, w in weights.items()}
    goldens.write_folder(folder, config, weights, dtype, shards)
    return Reference(goldens.complete(config), weights)


def make_data(path, count=32, vocab=112):
    draw = random.Random(3)
    with open(path, "w", encoding="utf-8") as f:
        for i in range(count):
            ids = [draw.randrange(2, vocab) for _ in range(draw.randrange(6, 20))]
            cut = draw.randrange(1, len(ids) - 1)
            row = {"prompt_ids": ids[:cut], "completion_ids": ids[cut:]} if i % 4 else {"text_ids": ids}
            f.write(json.dumps(row) + "\n")


def close(found, expected, tolerance, what):
    error = (found.double() - expected.double()).abs().max().item()
    print(f"{what}: largest difference {error:.1e}")
    assert error < tolerance, what


def check_forward(work):
    """Every architecture switch against the oracle, rows padded in one batch."""
    for v in goldens.VARIANTS:
        folder = f"{work}/forward/{v['name']}"
        oracle = make_model(folder, v["dtype"], v.get("shards", 1), **v["config"])
        ids = goldens.make_prompts(oracle.c, 1, (11,))[0]
        for dtype, tolerance in ((torch.float32, 1e-3), (torch.float64, 1e-9)):
            m = lm.load(folder, dtype=dtype)
            batch = torch.tensor([ids, ids[:7] + [0] * 4])
            logits = m.head(m.dense(batch)[0])
            close(logits[0], oracle.dense(ids), tolerance, f"{v['name']} {dtype}")
            close(logits[1, :7], oracle.dense(ids[:7]), tolerance, f"{v['name']} {dtype}, padded")


def quietly(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


def train(name, model, data, out, *more):
    quietly(train_artefact.main, [name, model, data, out, *SHORT, *more])
    with open(f"{out}/depth.json", encoding="utf-8") as f:
        return json.load(f), mdl.load(f"{out}/depth.safetensors")


def check_resume(name, work, model, data, *more):
    """A run that was interrupted twice writes the same bytes as one that was not."""
    whole, parts = (tempfile.mkdtemp(dir=work) + "/artefact" for _ in range(2))
    meta, tensors = train(name, model, data, whole, *more)
    for step in ("1", "2"):
        arguments = [name, model, data, parts, *SHORT, *more, "--stop-after", step]
        quietly(train_artefact.main, arguments)
        assert not os.path.exists(f"{parts}/depth.json")
    train(name, model, data, parts, *more)
    for file in ("depth.json", "depth.safetensors"):
        assert filecmp.cmp(f"{whole}/{file}", f"{parts}/{file}", shallow=False), file
    print(f"{name}: the same artefact with and without interruptions")
    return meta, tensors, whole


def method_of(name, folder, data, tensors, dtype, *more):
    """The method object with given parameters, as at the end of a training run."""
    o = train_artefact.parse_options([name, folder, data, "unused", *SHORT, *more])
    m = lm.load(folder, dtype=dtype)
    every = quietly(read, data, m.c["vocab_size"], 64)
    method = quietly(o.method, m, Rows(every, o.held_out, o.batch, o.seed, "cpu"), o)
    with torch.no_grad():
        for key, tensor in method.tensors.items():
            tensor.copy_(tensors[key])
    return method


@torch.no_grad()
def check_dllm(work, data):
    """Masked training pass, packed inference and the oracle agree; the format is the shipped one."""
    folder = f"{work}/tied"
    oracle = make_model(folder, tie_word_embeddings=True, head_dim=8)
    out = f"{folder}/depth/dllm"
    with torch.enable_grad():
        meta, tensors = train("dllm", folder, data, out, *DLLM, *RATES, "--router-rate", "0.05")
    shape = export.open_base(folder)
    depth, lora = evaluate.open_depth(folder, "dllm", *shape)
    depth.model.lora = lora
    method = method_of("dllm", folder, data, tensors, torch.float64, *DLLM)
    ids = goldens.make_prompts(oracle.c, 1, (14,))[0]
    threshold = meta["thresholds"]["default"]
    x, cells = method.forward(torch.tensor([ids]), lambda z: method.decide(threshold, z))
    logits = method.m.head(x)[0]
    wide = {k: t.double() for k, t in tensors.items()}
    expected, mask, _ = Gated(oracle, meta, wide).forward(ids)
    assert torch.equal(cells[:, 0, 0] > 0, mask) and 0 < mask[2:, 2:].sum() < mask[2:, 2:].numel()
    close(logits, expected, 1e-9, "dllm, masked pass against the oracle")
    packed, ran = depth.forward(torch.tensor([ids]))
    assert torch.equal(ran[:, 0] > 0, mask)
    close(depth.model.logits(packed)[0], logits, 1e-3, "dllm, packed inference against the masked pass")
    here = os.path.dirname(os.path.abspath(__file__))
    models = "../../engine/src/main/resources/dev/nightjar/models"
    shipped = os.path.join(here, models, "triage/depth/dllm")
    with open(f"{shipped}/depth.json", encoding="utf-8") as f:
        known = json.load(f)
    optional = {"tokenizer_sha256"}  # this model has no tokenizer
    assert set(known) - optional == set(meta), set(known) ^ set(meta)
    kinds = {k.split(".", 2)[2] for k in mdl.load(f"{shipped}/depth.safetensors")}
    assert kinds == {k.split(".", 2)[2] for k in tensors}
    assert meta["model_sha256"] == export.sha256(f"{folder}/model.safetensors")


def check_gradients(model, data, tensors):
    """Recomputing activations changes no gradient; nothing of the model has one."""
    grads = []
    for recompute in (False, True):
        method = method_of("dllm", model, data, tensors, torch.float64, *DLLM)
        method.m.recompute = recompute
        torch.manual_seed(1)
        method.loss(method.rows.batch(0), 0.5)[0].backward()
        grads.append({k: t.grad for k, t in method.tensors.items()})
        assert not any(w.requires_grad for w in method.m.w.values())
    missing = [k for k, g in grads[0].items() if g is None or not g.abs().sum() > 0]
    assert not missing, missing
    for key in grads[0]:
        assert torch.equal(grads[0][key], grads[1][key]), key
    print(f"dllm: {len(grads[0])} gradients, the same with --recompute")


def skipgpt_oracle(oracle, meta, routers, ids):
    """SkipGPT in the words of the paper: project every token, gate what is added."""
    x, causal = oracle.embed(ids), torch.ones(len(ids), len(ids)).tril().bool()
    masks = []
    for layer in range(oracle.num_layers):
        p, skips = f"model.layers.{layer}.", []
        for router in ("attention_router", "feed_forward_router"):
            z = x
            for i in range(2 if meta["router_hidden_size"] else 1):
                name = f"layers.{layer}.{router}.{i}."
                z = torch.relu(z) if i else z
                z = z @ routers[name + "weight"].T + routers[name + "bias"]
            skip = z[:, 1] - z[:, 0] > meta["thresholds"]["default"]
            skip[: meta["reserved_positions"]] = False
            skips.append(skip)
        y = x + oracle.attention(layer, oracle.norm(x, p + "input_layernorm"), causal)
        x = torch.where(skips[0][:, None], x, y)
        n = oracle.norm(x, p + "post_attention_layernorm")
        gate, up = oracle.linear(n, p + "mlp.gate_proj"), oracle.linear(n, p + "mlp.up_proj")
        y = x + oracle.linear(torch.nn.functional.silu(gate) * up, p + "mlp.down_proj")
        x = torch.where(skips[1][:, None], x, y)
        masks.append(~torch.stack(skips))
    return oracle.head(x), torch.stack(masks)


@torch.no_grad()
def check_skipgpt(work, model, oracle, data, *more):
    with torch.enable_grad():
        meta, tensors, _ = check_resume("skipgpt", work, model, data, *RATES, *more)
    method = method_of("skipgpt", model, data, tensors, torch.float64, *more)
    ids = goldens.make_prompts(oracle.c, 1, (14,))[0]
    threshold = -meta["thresholds"]["default"]
    x, cells = method.forward(torch.tensor([ids]), lambda z: method.decide(threshold, z))
    wide = {k: t.double() for k, t in tensors.items()}
    logits, masks = skipgpt_oracle(oracle, meta, wide, ids)
    assert torch.equal(cells[:, :, 0] > 0, masks) and 0 < masks.sum() < masks.numel()
    close(method.m.head(x)[0], logits, 1e-9, f"skipgpt {more} against the oracle")
    assert meta["policy"] == "skipgpt" and meta["first_gated_layer"] == 0


def check_exits(work, model, oracle, data):
    more = ["--exits", "2,4", "--agreement", "0.3", "--rate", "0.003"]
    meta, tensors, _ = check_resume("exit-heads", work, model, data, *more)
    assert [e["layer"] for e in meta["exits"]] == [2, 4] and meta["lens"] is True
    assert meta["policy"] == "exit" and meta["measure"] == "entropy"
    d = oracle.c["hidden_size"]
    shapes = {f"exits.{e}.lens.{k}": s for e in (2, 4) for k, s in (("weight", [d, d]), ("bias", [d]))}
    assert {k: list(t.shape) for k, t in tensors.items()} == shapes
    method = method_of("exit-heads", model, data, tensors, torch.float64, *more)
    first = [method.loss(method.rows.batch(0), 0.0)[0].item()]
    with torch.no_grad():
        for key, tensor in method.tensors.items():
            tensor.copy_(torch.eye(d) if key.endswith("weight") else torch.zeros(d))
    first.append(method.loss(method.rows.batch(0), 0.0)[0].item())
    print("exit heads: divergence {:.4f}, without lens {:.4f}".format(*first))
    assert first[0] < first[1]
    scores, agrees = torch.tensor([0.9, 0.8, 0.8, 0.5, 0.4]), torch.tensor([1, 1, 1, 0, 1]).bool()
    assert 0.5 < choose_threshold(scores, agrees, 0.99) < 0.8
    assert choose_threshold(scores, agrees, 0.8) < 0.4
    assert choose_threshold(scores, ~agrees, 0.9) is None


def check_refusals(work, model, data, trained):
    """Other settings for a checkpoint, ids of another tokenizer, a folder that is no plain Llama."""
    again = ["dllm", model, data, trained, *SHORT, *DLLM, *RATES, "--accumulate", "2"]
    with open(f"{work}/bad.jsonl", "w", encoding="utf-8") as f:
        f.write('{"text_ids": [1, 2, 112]}\n')
    os.makedirs(f"{work}/other")
    goldens.write_json(f"{work}/other/config.json", {"architectures": ["GPT2LMHeadModel"]})
    goldens.write_json(f"{work}/other/model.safetensors.index.json", {"weight_map": {}})
    cases = {
        "other settings": [*again, "--seed", "8"],
        "bad.jsonl:1": [*again[:2], f"{work}/bad.jsonl", *again[3:]],
        "GPT2LMHeadModel": ["dllm", f"{work}/other", *again[2:]],
    }
    for expected, arguments in cases.items():
        try:
            quietly(train_artefact.main, arguments)
        except SystemExit as e:
            assert expected in str(e), e
            continue
        sys.exit(f"not refused: {arguments}")


def main():
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        data, model = f"{work}/rows.jsonl", f"{work}/model"
        make_data(data)
        oracle = make_model(model, "BF16", shards=3)
        check_forward(work)
        half = ["--budget-loss", "batch", "--dtype", "bfloat16"]
        train("dllm", model, data, f"{work}/half", *DLLM, *RATES, *half)
        more = [*DLLM, *RATES, "--accumulate", "2"]
        meta, tensors, trained = check_resume("dllm", work, model, data, *more)
        assert meta["model_sha256"] == lm.digest(
            [f"{model}/model-{i:05d}-of-00003.safetensors" for i in (1, 2, 3)]
        )
        check_dllm(work, data)
        check_gradients(model, data, tensors)
        check_skipgpt(work, model, oracle, data)
        check_skipgpt(work, model, oracle, data, "--router-hidden", "6")
        check_exits(work, model, oracle, data)
        check_refusals(work, model, data, trained)
    print("all checks passed")


if __name__ == "__main__":
    main()
