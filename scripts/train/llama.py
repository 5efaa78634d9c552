"""Any Llama in a Hugging Face folder, in plain PyTorch: frozen weights, made to be differentiated.

Works with PyTorch 1.13 and newer, on a CPU or a GPU. Matrix products run in the type the weights
are held in (float32, bfloat16, float64); the residual, norms and probabilities stay in float32
(float64 if the weights are). reference/llama.py is its float64 oracle.

Shapes: B rows, T tokens, d hidden size, H query heads, G key/value heads, h head size, V vocabulary.
"""

import hashlib
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from reference import rope_frequencies

PROJECTIONS = {"q": "self_attn.q_proj", "k": "self_attn.k_proj", "v": "self_attn.v_proj",
               "o": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj",
               "down": "mlp.down_proj"}  # fmt: skip
NORMS = ("input_layernorm", "post_attention_layernorm")


# ---- files ---------------------------------------------------------------------------------


def read_json(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def read_config(folder):
    """config.json with the defaults of the transformers library filled in."""
    path = os.path.join(folder, "config.json")
    c = read_json(path)
    names = c.get("architectures") or [{"llama": "LlamaForCausalLM"}.get(c.get("model_type"))]
    if "LlamaForCausalLM" not in names:
        raise SystemExit(f"{path}: architectures is {names}, expected LlamaForCausalLM")
    if c.get("quantization_config") or c.get("hidden_act", "silu") != "silu":
        raise SystemExit(f"{path}: expected plain weights and hidden_act silu; use another model")
    # transformers 5 moved rope_theta and rope_scaling into rope_parameters.
    rope = c.get("rope_parameters") or c.get("rope_scaling") or {}
    c["rope_theta"] = rope.get("rope_theta", c.get("rope_theta") or 1e4)
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind not in ("default", "linear", "llama3") or c.get("partial_rotary_factor", 1) != 1:
        raise SystemExit(f"{path}: rope of type {kind} is unknown; supported: default, linear, llama3")
    c["rope_scaling"] = None if kind == "default" else rope
    c["head_dim"] = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
    c["num_key_value_heads"] = c.get("num_key_value_heads") or c["num_attention_heads"]
    c.setdefault("rms_norm_eps", 1e-6)
    c.setdefault("max_position_embeddings", 2048)
    c.setdefault("tie_word_embeddings", False)
    return c


def weight_files(folder):
    """Paths of the safetensors files in use, in name order."""
    single = os.path.join(folder, "model.safetensors")
    if os.path.exists(single):
        return [single]
    index = os.path.join(folder, "model.safetensors.index.json")
    if not os.path.exists(index):
        raise SystemExit(f"{folder} has neither model.safetensors nor its index; check the path")
    return [os.path.join(folder, n) for n in sorted(set(read_json(index)["weight_map"].values()))]


def digest(paths):
    """SHA-256 of the files one after the other: what ties an artefact to a model."""
    h = hashlib.sha256()
    for path in paths:
        with open(path, "rb") as f:
            for block in iter(lambda: f.read(1 << 20), b""):
                h.update(block)
    return h.hexdigest()


def read_safetensors(path):
    """Yields names and CPU tensors in the type they are stored in, one at a time."""
    kinds = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.int16}
    with open(path, "rb") as f:
        size = int.from_bytes(f.read(8), "little")
        header = json.loads(f.read(size))
        for name, e in header.items():
            if name == "__metadata__":
                continue
            if e["dtype"] not in kinds:
                raise SystemExit(f"{path}: {name} is {e['dtype']}, expected one of {sorted(kinds)}")
            start, end = e["data_offsets"]
            f.seek(8 + size + start)
            flat = np.frombuffer(bytearray(f.read(end - start)), kinds[e["dtype"]])
            tensor = torch.from_numpy(flat.reshape(e["shape"]))
            yield name, tensor.view(torch.bfloat16) if e["dtype"] == "BF16" else tensor


def expected_names(config):
    """Names of the tensors that must be there, and of the biases that may."""
    must, may = {"model.embed_tokens.weight", "model.norm.weight"}, set()
    if not config["tie_word_embeddings"]:
        must.add("lm_head.weight")
    for i in range(config["num_hidden_layers"]):
        must.update(f"model.layers.{i}.{n}.weight" for n in (*NORMS, *PROJECTIONS.values()))
        may.update(f"model.layers.{i}.{n}.bias" for n in PROJECTIONS.values())
    return must, may


def load(folder, device="cpu", dtype=torch.float32):
    """Reads a folder; norms are kept in the residual's type, everything else in `dtype`."""
    config = read_config(folder)
    must, may = expected_names(config)
    ignored = {"lm_head.weight"} if config["tie_word_embeddings"] else set()
    weights, other = {}, []
    for path in weight_files(folder):
        for name, tensor in read_safetensors(path):
            if name in must or name in may:
                kind = residual_type(dtype) if tensor.dim() == 1 else dtype
                weights[name] = tensor.to(device, kind)
            elif name not in ignored and not name.endswith("rotary_emb.inv_freq"):
                other.append(name)
    missing = sorted(must - set(weights))
    if missing or other:
        raise SystemExit(f"{folder}: missing tensors {missing[:3]}, unknown ones {other[:3]};"
                         " expected a plain Llama")  # fmt: skip
    return Llama(config, weights)


def residual_type(dtype):
    return torch.float64 if dtype == torch.float64 else torch.float32


# ---- forward pass --------------------------------------------------------------------------


def turn(x, cos, sin):
    """Half-rotation of x [B, T, heads, h]: dimension i turns together with i + h/2."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def evicted(probabilities, keep):
    """Attention [.., T, T] over the kept keys alone; a token always sees itself.

    Softmax over all keys, times keep [B, T], renormalised: so keep receives a gradient for kept keys
    (what would be lost) and for evicted ones (what would be gained). The clamp bounds the latter.
    """
    t = keep.shape[1]
    itself = torch.eye(t, dtype=torch.bool, device=keep.device)
    mask = torch.where(itself, torch.ones_like(keep[:, None]), keep[:, None])[:, None, None]
    total = (probabilities * mask).sum(-1, keepdim=True).clamp(min=1e-6)
    return (probabilities / total).clamp(max=16.0) * mask


class Llama:
    """config as of `read_config`; weights under Hugging Face names.

    `updates` maps the name of a projection to a function of its input that is added to its output:
    LoRA. `recompute` trades time for memory: activations of a layer are not kept for the backward
    pass.
    """

    def __init__(self, config, weights):
        self.c, self.w = config, weights
        embedding = weights["model.embed_tokens.weight"]
        self.device, self.dtype = embedding.device, embedding.dtype
        self.real = residual_type(self.dtype)
        self.num_layers, self.hidden = config["num_hidden_layers"], config["hidden_size"]
        self.eps = config["rms_norm_eps"]
        self.frequencies = rope_frequencies(config)
        self.updates, self.recompute = {}, False

    def linear(self, x, name):
        bias = self.w.get(name + ".bias")
        y = F.linear(x.to(self.dtype), self.w[name + ".weight"]).to(self.real)
        y = y if bias is None else y + bias
        return y + self.updates[name](x) if name in self.updates else y

    def norm(self, x, name):
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)
        return x * scale * self.w[name + ".weight"]

    def embed(self, ids):
        return F.embedding(ids, self.w["model.embed_tokens.weight"]).to(self.real)

    def head(self, x):
        """[.., V] logits of the residuals x [.., d]."""
        tied = self.c["tie_word_embeddings"]
        name = "model.embed_tokens.weight" if tied else "lm_head.weight"
        return F.linear(self.norm(x, "model.norm").to(self.dtype), self.w[name]).to(self.real)

    def attention(self, layer, x, keep=None):
        """What the attention of a layer adds to the residual x [B, T, d].

        keep [B, T] marks the keys that are stored, with ones and zeros; None stores all.
        """
        b, t, _ = x.shape
        h, heads, groups = self.c["head_dim"], self.c["num_attention_heads"], self.c["num_key_value_heads"]
        p = f"model.layers.{layer}."
        n = self.norm(x, p + "input_layernorm")
        angle = torch.arange(t, dtype=torch.float64)[:, None] * self.frequencies
        cos, sin = (a.to(self.device, self.real)[:, None, :] for a in (angle.cos(), angle.sin()))
        q = turn(self.linear(n, p + PROJECTIONS["q"]).view(b, t, heads, h), cos, sin)
        k = turn(self.linear(n, p + PROJECTIONS["k"]).view(b, t, groups, h), cos, sin)
        v = self.linear(n, p + PROJECTIONS["v"]).view(b, t, groups, h)
        q = q.view(b, t, groups, heads // groups, h).permute(0, 2, 3, 1, 4).to(self.dtype)
        k, v = (a.permute(0, 2, 1, 3)[:, :, None].to(self.dtype) for a in (k, v))
        scores = (q @ k.transpose(-1, -2)).to(self.real) / math.sqrt(h)  # [B, G, H/G, T, T]
        ahead = torch.ones(t, t, dtype=torch.bool, device=self.device).triu(1)
        probabilities = scores.masked_fill(ahead, -math.inf).softmax(-1)
        if keep is not None:
            probabilities = evicted(probabilities, keep)
        mixed = (probabilities.to(self.dtype) @ v).permute(0, 3, 1, 2, 4).reshape(b, t, heads * h)
        return self.linear(mixed, p + PROJECTIONS["o"])

    def feed_forward(self, layer, x):
        """What the feed-forward network of a layer adds to the residual x."""
        p = f"model.layers.{layer}."
        n = self.norm(x, p + "post_attention_layernorm")
        gate, up = (self.linear(n, p + PROJECTIONS[k]) for k in ("gate", "up"))
        return self.linear(F.silu(gate) * up, p + PROJECTIONS["down"])

    def block(self, layer, x, keep=None):
        x = x + self.attention(layer, x, keep)
        return x + self.feed_forward(layer, x)

    def run(self, function, *inputs):
        """Calls a part of the forward pass, without keeping its activations if so asked."""
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(function, *inputs, use_reentrant=False)
        return function(*inputs)

    @torch.no_grad()
    def dense(self, ids, tap=()):
        """Last residual of ids [B, T], and those after each number of layers in `tap`."""
        x, taps = self.embed(ids), {}
        for layer in range(self.num_layers):
            x = self.block(layer, x)
            if layer + 1 in tap:
                taps[layer + 1] = x
        return x, taps
