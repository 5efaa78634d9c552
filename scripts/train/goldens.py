"""Makes the tiny seeded models and golden outputs of the engine's tests.

    python3 scripts/train/goldens.py [OUT]    (default: engine/src/test/resources/goldens)

Each folder is a model (Hugging Face layout or one GGUF file, both written by hand) with a
golden.json computed by reference/llama.py in float64 from exactly the values that the file holds. Seeds
are searched until no greedy choice, gate or exit lies so close that fp32 could decide otherwise.
"""

import hashlib
import json
import os
import shutil
import struct
import sys

import numpy as np
import torch

from reference import Exiting, Gated, Reference, greedy

NEW_TOKENS = 24
MARGIN = 1e-3


# ---- files ---------------------------------------------------------------------------------


def raw(tensor, dtype):
    """Little-endian bytes of a float64 tensor in a plain dtype; rounds to fp32 first."""
    if dtype == "BF16":
        return tensor.to(torch.float32).to(torch.bfloat16).view(torch.int16).numpy().tobytes()
    return tensor.numpy().astype("<f4").astype({"F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def rounded(tensor, dtype):
    """The float64 tensor whose values are exactly those the dtype can hold."""
    kinds = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
    return tensor.to(torch.float32).to(kinds[dtype]).to(torch.float64)


def write_safetensors(path, tensors, dtype):
    header, blobs, at = {"__metadata__": {"format": "pt"}}, [], 0
    for name in sorted(tensors):
        data = raw(tensors[name], dtype)
        shape, span = list(tensors[name].shape), [at, at + len(data)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": span}
        blobs.append(data)
        at += len(data)
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head + b"".join(blobs))


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f, indent=1)
        f.write("\n")


def write_folder(folder, config, weights, dtype, shards):
    os.makedirs(folder)
    stored = {k: v for k, v in config.items() if v is not None}
    write_json(f"{folder}/config.json", stored)
    if shards == 1:
        write_safetensors(f"{folder}/model.safetensors", weights, dtype)
        return
    names, size, where = sorted(weights), 0, {}
    for i in range(shards):
        file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
        part = names[i::shards]  # neighbours land in different files on purpose
        write_safetensors(f"{folder}/{file}", {n: weights[n] for n in part}, dtype)
        where.update({n: file for n in part})
        size += sum(len(raw(weights[n], dtype)) for n in part)
    index = {"metadata": {"total_size": size}, "weight_map": dict(sorted(where.items()))}
    write_json(f"{folder}/model.safetensors.index.json", index)


GGUF_NAMES = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}  # fmt: skip
GGUF_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 8, "BF16": 30}
GGUF_FILE_TYPES = {"F32": 0, "F16": 1, "Q4_0": 2, "Q8_0": 7, "BF16": 32}


def gguf_name(name):
    base, kind = name.rsplit(".", 1)
    if base.startswith("model.layers."):
        layer, base = base[len("model.layers.") :].split(".", 1)
        return f"blk.{layer}.{GGUF_NAMES[base]}.{kind}"
    return f"{GGUF_NAMES[base]}.{kind}"


def interleave(tensor, heads):
    """llama.cpp's row order of the query and key projections (and their biases)."""
    rows = tensor.shape[0]
    parts = tensor.reshape(heads, 2, rows // heads // 2, *tensor.shape[1:])
    return parts.transpose(1, 2).reshape(tensor.shape)


def quantise(tensor, kind):
    """Bytes and the float64 values they stand for; blocks of 32 along the last dimension."""
    if kind in ("F32", "F16", "BF16"):
        return raw(tensor, kind), rounded(tensor, kind)
    blocks = tensor.numpy().astype(np.float32).reshape(-1, 32)
    if kind == "Q8_0":
        d = np.abs(blocks).max(1) / np.float32(127)
        q = np.rint(blocks / d[:, None]).astype(np.int8)
        data, centre = q.view(np.uint8), 0
    else:
        peak = blocks[np.arange(len(blocks)), np.abs(blocks).argmax(1)]
        d = peak / np.float32(-8)
        q = np.clip((blocks / d[:, None] + np.float32(8.5)).astype(np.int8), 0, 15)
        data, centre = (q[:, :16] | (q[:, 16:] << 4)).astype(np.uint8), 8
    d = d.astype(np.float16)
    out = b"".join(d[i].tobytes() + data[i].tobytes() for i in range(len(d)))
    values = d.astype(np.float32)[:, None] * (q.astype(np.float32) - np.float32(centre))
    return out, torch.from_numpy(values.astype(np.float64)).reshape(tensor.shape)


def byte_characters():
    """GPT-2's printable stand-in for each of the 256 bytes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


def vocabulary(size):
    """Tokens, their types and the merges of a small byte-level BPE."""
    byte = byte_characters()
    tokens = ["<s>", "</s>"] + [byte[b] for b in range(256)]
    types, merges = [3, 3] + [1] * 256, []
    letters = "etaoinshrdlu"
    for a, b in [(a, b) for a in letters for b in letters if a != b]:
        if len(tokens) < size:
            tokens.append(a + b)
            types.append(1)
            merges.append(f"{a} {b}")
    return tokens, types, merges


def gguf_value(value):
    """Type number and bytes of one metadata value."""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, struct.pack("<Q", len(value.encode())) + value.encode()
    kinds, parts = zip(*[gguf_value(v) for v in value])
    kind = 5 if kinds[0] == 4 else kinds[0]  # token types are INT32 by convention
    return 9, struct.pack("<IQ", kind, len(parts)) + b"".join(parts)


def write_gguf_file(path, meta, infos, data):
    """Metadata, then (name, shape, type, offset) of each tensor, then their bytes."""
    out = struct.pack("<4sIQQ", b"GGUF", 3, len(infos), len(meta))
    for key, value in meta.items():
        number, blob = gguf_value(value)
        out += gguf_value(key)[1] + struct.pack("<I", number) + blob
    for name, shape, use, at in infos:
        out += gguf_value(name)[1] + struct.pack("<I", len(shape))
        out += b"".join(struct.pack("<Q", n) for n in reversed(shape))
        out += struct.pack("<IQ", GGUF_TYPES[use], at)
    out += b"\0" * (-len(out) % 32)
    with open(path, "wb") as f:
        f.write(out + data)


def write_gguf(path, config, weights, kind):
    """Writes the file and returns the values it holds, under Hugging Face names."""
    tokens, types, merges = vocabulary(config["vocab_size"])
    meta = {
        "general.architecture": "llama",
        "general.name": "golden",
        "general.file_type": GGUF_FILE_TYPES[kind],
        "general.alignment": 32,
        "llama.vocab_size": config["vocab_size"],
        "llama.context_length": config["max_position_embeddings"],
        "llama.embedding_length": config["hidden_size"],
        "llama.block_count": config["num_hidden_layers"],
        "llama.feed_forward_length": config["intermediate_size"],
        "llama.attention.head_count": config["num_attention_heads"],
        "llama.attention.head_count_kv": config["num_key_value_heads"],
        "llama.attention.key_length": config["head_dim"],
        "llama.attention.value_length": config["head_dim"],
        "llama.attention.layer_norm_rms_epsilon": config["rms_norm_eps"],
        "llama.rope.dimension_count": config["head_dim"],
        "llama.rope.freq_base": config["rope_theta"],
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": types,
        "tokenizer.ggml.merges": merges,
        "tokenizer.ggml.bos_token_id": 0,
        "tokenizer.ggml.eos_token_id": 1,
        "tokenizer.ggml.add_bos_token": True,
    }
    if config.get("rope_scaling", None) and config["rope_scaling"].get("type") == "linear":
        meta["llama.rope.scaling.type"] = "linear"
        meta["llama.rope.scaling.factor"] = config["rope_scaling"]["factor"]
    heads = {"q_proj": "num_attention_heads", "k_proj": "num_key_value_heads"}
    infos, data, held = [], b"", {}
    for name, tensor in weights.items():
        # Vectors stay F32 as llama.cpp's converter leaves them.
        use = kind if tensor.dim() == 2 else "F32"
        part = name.split(".")[-2]
        stored = interleave(tensor, config[heads[part]]) if part in heads else tensor
        blob, _ = quantise(stored, use)
        held[name] = quantise(tensor, use)[1]
        infos.append((gguf_name(name), stored.shape, use, len(data)))
        data += blob + b"\0" * (-len(blob) % 32)
    if config.get("rope_scaling", None) and config["rope_scaling"].get("rope_type") == "llama3":
        # llama.cpp stores Llama 3.1's scaling as divisors of the plain frequencies.
        plain = {**config, "rope_scaling": None}
        ratio = Reference(plain, {}).freq / Reference(config, {}).freq
        infos.append(("rope_freqs.weight", ratio.shape, "F32", len(data)))
        blob = raw(ratio, "F32")
        data += blob + b"\0" * (-len(blob) % 32)
    write_gguf_file(path, meta, infos, data)
    return held


# ---- models --------------------------------------------------------------------------------


def make_config(**changes):
    config = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": 112,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 4,
        "hidden_act": "silu",
        "max_position_embeddings": 128,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "rope_scaling": None,
        "tie_word_embeddings": False,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": 0,
        "eos_token_id": 1,
    }
    config.update(changes)
    return config


def complete(config):
    """The config with the fields that a file may leave out."""
    size = config["hidden_size"] // config["num_attention_heads"]
    return {**config, "head_dim": config.get("head_dim") or size}


def make_weights(config, seed):
    c, g = complete(config), torch.Generator().manual_seed(seed)
    d, f = c["hidden_size"], c["intermediate_size"]
    q, kv = c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]

    def normal(*shape, scale):
        return torch.randn(*shape, generator=g, dtype=torch.float64) * scale

    def add(name, rows, cols, bias, gain=1.0):
        w[name + ".weight"] = normal(rows, cols, scale=gain / cols**0.5)
        if bias:
            w[name + ".bias"] = normal(rows, scale=0.3)

    w = {"model.embed_tokens.weight": normal(c["vocab_size"], d, scale=0.4)}
    for i in range(c["num_hidden_layers"]):
        p = f"model.layers.{i}."
        for norm in ("input_layernorm", "post_attention_layernorm"):
            w[f"{p}{norm}.weight"] = 1 + normal(d, scale=0.2)
        add(p + "self_attn.q_proj", q, d, c["attention_bias"], 1.6)
        add(p + "self_attn.k_proj", kv, d, c["attention_bias"], 1.6)
        add(p + "self_attn.v_proj", kv, d, c["attention_bias"])
        add(p + "self_attn.o_proj", d, q, c["attention_bias"], 1.2)
        add(p + "mlp.gate_proj", f, d, c["mlp_bias"], 1.5)
        add(p + "mlp.up_proj", f, d, c["mlp_bias"])
        add(p + "mlp.down_proj", d, f, c["mlp_bias"])
    w["model.norm.weight"] = 1 + normal(d, scale=0.2)
    if not c["tie_word_embeddings"]:
        add("lm_head", c["vocab_size"], d, False, 2.5)
    return w


def make_prompts(config, seed, lengths):
    g = torch.Generator().manual_seed(seed + 1)
    top = config["vocab_size"]
    return [torch.randint(2, top, (n,), generator=g).tolist() for n in lengths]


def make_depth(config, seed, hidden, rank):
    """A D-LLM artefact with random routers, and LoRA deltas if rank > 0."""
    c, g = complete(config), torch.Generator().manual_seed(seed + 2)
    d, layers = c["hidden_size"], c["num_hidden_layers"]
    artefact = {
        "version": 1,
        "policy": "dllm",
        "num_layers": layers,
        "hidden_size": d,
        "router_hidden_size": hidden,
        "first_gated_layer": 2,
        "reserved_positions": 2,
        "rms_norm_eps": c["rms_norm_eps"],
        "thresholds": {"default": 0.0},
    }

    def normal(*shape, scale):
        return rounded(torch.randn(*shape, generator=g, dtype=torch.float64) * scale, "F32")

    tensors = {}
    for i in range(2, layers):
        p = f"layers.{i}.router."
        tensors[p + "0.weight"] = normal(hidden, d, scale=0.5)
        tensors[p + "0.bias"] = normal(hidden, scale=0.2)
        tensors[p + "norm.weight"] = 1 + normal(hidden, scale=0.125)
        tensors[p + "norm.weight"] = rounded(tensors[p + "norm.weight"], "F32")
        tensors[p + "1.weight"] = normal(2, hidden, scale=0.5)
        tensors[p + "1.bias"] = rounded(torch.tensor([0.1, 0.4], dtype=torch.float64), "F32")
    if rank:
        artefact["lora"] = {"rank": rank, "targets": ["q_proj", "k_proj", "v_proj"]}
        q, kv = c["num_attention_heads"] * c["head_dim"], c["num_key_value_heads"] * c["head_dim"]
        for i in range(layers):
            for target, out in (("q_proj", q), ("k_proj", kv), ("v_proj", kv)):
                tensors[f"layers.{i}.{target}.lora_a"] = normal(rank, d, scale=0.15)
                tensors[f"layers.{i}.{target}.lora_b"] = normal(out, rank, scale=0.15)
    return artefact, tensors


# ---- goldens -------------------------------------------------------------------------------


class TooClose(Exception):
    """This seed has a decision that rounding could flip, or is too dull to test anything."""


def require(ok):
    if not ok:
        raise TooClose


def check_greedy(tokens, rows, config, distinct=8):
    top = torch.topk(rows, 2).values
    require(bool(((top[:, 0] - top[:, 1]) > MARGIN * rows.abs().max()).all()))
    eos = config["eos_token_id"]
    require(not set(tokens) & set(eos if isinstance(eos, list) else [eos]))
    require(len(set(tokens)) >= distinct)


def some_logits(prompts, rows):
    """Logits of the first prompt with 9 significant digits; of a long one, not every position."""
    last, step = len(rows) - 1, 1 if len(rows) <= 12 else 5
    positions = sorted({*range(0, len(rows), step), last})
    values = [[float(f"{v:.9g}") for v in rows[p].tolist()] for p in positions]
    assert len(rows) == len(prompts[0])
    return {"prompt": 0, "positions": positions, "values": values}


def dense_part(model, prompts):
    out = []
    for prompt in prompts:
        tokens, rows = greedy(model.dense, prompt, NEW_TOKENS)
        check_greedy(tokens, rows, model.c)
        out.append({"ids": prompt, "greedy": tokens})
    return {"prompts": out, "logits": some_logits(prompts, model.dense(prompts[0]))}


def dllm_part(gated, prompts):
    out, cells, ran = [], 0, 0
    first = gated.a["first_gated_layer"]
    for prompt in prompts:
        tokens, rows = greedy(lambda ids: gated.forward(ids)[0], prompt, NEW_TOKENS)
        check_greedy(tokens, rows, gated.m.c)
        _, mask, distances = gated.forward(prompt + tokens[:-1])
        require(float(distances.min()) > MARGIN)
        cells, ran = cells + mask[first:].numel(), ran + int(mask[first:].sum())
        require(len(prompt) < 8 or all(0 < int(m[2:].sum()) < len(m) - 2 for m in mask[first:]))
        slots = ["".join("01"[int(e)] for e in slot) for slot in mask.T]
        out.append({"ids": prompt, "greedy": tokens, "executed": slots})
    require(0.35 < ran / cells < 0.75)
    return {"prompts": out, "logits": some_logits(prompts, gated.forward(prompts[0])[0])}


def exit_part(model, prompts, after, threshold):
    out, seen = [], []
    for prompt in prompts:
        walker = Exiting(model, after, threshold)
        tokens, exits, rows, distances = walker.generate(prompt, NEW_TOKENS)
        check_greedy(tokens, rows, model.c)
        require(min(distances) > MARGIN)
        seen += exits
        out.append({"ids": prompt, "greedy": tokens, "exit_layers": exits})
    require(all(seen.count(e) >= 4 for e in [*after, model.num_layers]))
    return {"after_layers": after, "threshold": threshold, "prompts": out}


VARIANTS = [
    dict(name="mha-untied-f32", dtype="F32", config={}),
    dict(name="gqa-4-2-tied-bf16", dtype="BF16", config=dict(
        num_key_value_heads=2, tie_word_embeddings=True, num_hidden_layers=2, hidden_size=64)),
    dict(name="gqa-8-2-untied-f16", dtype="F16", config=dict(
        num_attention_heads=8, num_key_value_heads=2, hidden_size=64, vocab_size=160,
        intermediate_size=80, eos_token_id=[1, 2])),
    dict(name="mqa-tied-f32", dtype="F32", config=dict(
        num_key_value_heads=1, tie_word_embeddings=True, rms_norm_eps=1e-6, vocab_size=97)),
    dict(name="rope-linear-f16", dtype="F16", lengths=(24, 1, 7), config=dict(
        rope_scaling={"type": "linear", "factor": 2.5}, num_key_value_heads=2)),
    dict(name="rope-llama3-bf16", dtype="BF16", lengths=(40, 1, 9), config=dict(
        rope_theta=5000.0, head_dim=16, num_key_value_heads=2, rope_scaling={
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64})),
    dict(name="wide-head-f32", dtype="F32", config=dict(
        head_dim=24, num_key_value_heads=2, intermediate_size=44)),
    dict(name="attention-bias-f16", dtype="F16", config=dict(
        attention_bias=True, num_key_value_heads=2)),
    dict(name="mlp-bias-f32", dtype="F32", config=dict(
        mlp_bias=True, num_hidden_layers=2, num_key_value_heads=1)),
    dict(name="sharded-all-biases-bf16", dtype="BF16", shards=3, config=dict(
        attention_bias=True, mlp_bias=True, num_key_value_heads=2, head_dim=16)),
    dict(name="dllm-f32", dtype="F32", router=24, exits=[2, 3, 4], config=dict(
        num_hidden_layers=5, num_key_value_heads=2, tie_word_embeddings=True, vocab_size=96,
        intermediate_size=48)),
    dict(name="dllm-lora-bf16", dtype="BF16", router=16, rank=4, exits=[3], config=dict(
        num_hidden_layers=5, num_key_value_heads=1, vocab_size=96, hidden_size=48,
        intermediate_size=56)),
]  # fmt: skip

GGUF_BASE = dict(
    vocab_size=288, num_key_value_heads=2, head_dim=16, num_hidden_layers=3, rms_norm_eps=1e-5
)
GGUFS = [
    *[dict(name=f"gguf-{k.lower().replace('_', '-')}", kind=k, config=GGUF_BASE)
      for k in ("F32", "F16", "BF16", "Q8_0", "Q4_0")],
    dict(name="gguf-rope-linear-tied-q8-0", kind="Q8_0", config=dict(
        GGUF_BASE, tie_word_embeddings=True, num_hidden_layers=2,
        rope_scaling={"type": "linear", "factor": 4.0})),
    dict(name="gguf-rope-llama3-bias-f16", kind="F16", lengths=(40, 1), config=dict(
        GGUF_BASE, num_hidden_layers=2, attention_bias=True, rope_scaling={
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0,
            "high_freq_factor": 4.0, "original_max_position_embeddings": 64})),
]  # fmt: skip


def make_folder(out, v, seed):
    folder, config = f"{out}/{v['name']}", make_config(**v["config"])
    weights = {k: rounded(w, v["dtype"]) for k, w in make_weights(config, seed).items()}
    model = Reference(complete(config), weights)
    prompts = make_prompts(config, seed, v.get("lengths", (12, 1, 5)))
    golden = {"model": ".", **dense_part(model, prompts)}
    depth = None
    if v.get("router"):
        depth = make_depth(config, seed, v["router"], v.get("rank", 0))
        golden["dllm"] = {"artefact": "depth/dllm", **dllm_part(Gated(model, *depth), prompts)}
    if v.get("exits"):
        golden["exit"] = exit_part(model, prompts, v["exits"], v.get("threshold", 0.6))
    write_folder(folder, config, weights, v["dtype"], v.get("shards", 1))
    if depth:
        artefact, tensors = depth
        with open(f"{folder}/model.safetensors", "rb") as f:
            artefact["model_sha256"] = hashlib.sha256(f.read()).hexdigest()
        os.makedirs(f"{folder}/depth/dllm")
        write_json(f"{folder}/depth/dllm/depth.json", artefact)
        write_safetensors(f"{folder}/depth/dllm/depth.safetensors", tensors, "F32")
    write_golden(folder, golden)


def make_gguf(out, v, seed):
    folder, config = f"{out}/{v['name']}", complete(make_config(**v["config"]))
    weights = make_weights(config, seed)
    os.makedirs(folder, exist_ok=True)
    held = write_gguf(f"{folder}/model.gguf", config, weights, v["kind"])
    model = Reference({**config, "rms_norm_eps": float(np.float32(config["rms_norm_eps"]))}, held)
    prompts = make_prompts(config, seed, v.get("lengths", (10, 1)))
    write_golden(folder, {"model": "model.gguf", **dense_part(model, prompts)})


def write_golden(folder, golden):
    """One line per prompt and per row of logits."""
    text = json.dumps(golden, separators=(",", ":"))
    text = text.replace('{"ids"', '\n{"ids"').replace('"values":[[', '"values":[\n[')
    with open(f"{folder}/golden.json", "w") as f:
        f.write(text.replace("],[", "],\n[") + "\n")


def main():
    home = os.path.dirname(os.path.abspath(__file__))
    resources = os.path.join(home, "../../engine/src/test/resources/goldens")
    out = os.path.normpath(sys.argv[1] if len(sys.argv) > 1 else resources)
    shutil.rmtree(out, ignore_errors=True)
    os.makedirs(out)
    torch.set_num_threads(1)
    for make, variants in ((make_folder, VARIANTS), (make_gguf, GGUFS)):
        for number, v in enumerate(variants):
            for seed in range(1000 * number, 1000 * number + 1000):
                try:
                    make(out, v, seed)
                    print(f"{v['name']}: seed {seed}", flush=True)
                    break
                except TooClose:
                    continue
            else:
                sys.exit(f"{v['name']}: no seed has the margins")


if __name__ == "__main__":
    main()
