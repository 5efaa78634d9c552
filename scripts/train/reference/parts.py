"""What the families have in common: norms, rotation, attention, and the walk over the layers.

Shapes: T tokens, d hidden size, H query heads, G key/value heads, h head size, V vocabulary.
"""

import math

import torch
import torch.nn.functional as F


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + eps) * weight


def frequencies(theta, dims):
    """[dims/2] angular frequencies."""
    return theta ** (-torch.arange(0, dims, 2, dtype=torch.float64) / dims)


def rotate(x, freq, magnitude=1.0):
    """Half-rotation of the first dimensions of x [T, heads, h]: i turns together with i + dims/2."""
    dims = 2 * len(freq)
    angle = torch.arange(x.shape[0], dtype=torch.float64)[:, None] * freq
    cos, sin = magnitude * angle.cos()[:, None, :], magnitude * angle.sin()[:, None, :]
    a, b = x[..., :dims].chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin, x[..., dims:]], dim=-1)


def visible(tokens, window=None):
    """[T, T]: a row sees itself and what was before it, of a window only the last positions."""
    row = torch.arange(tokens)[:, None]
    column = torch.arange(tokens)[None, :]
    seen = column <= row
    return seen if window is None else seen & (row - column < window)


def attend(q, k, v, seen, scale, cap=None):
    """[T, H*h] attention of q [T, H, h] over k, v [T, G, h]; scores are soft-capped before the mask."""
    out, group = [], q.shape[1] // k.shape[1]
    for head in range(q.shape[1]):
        scores = q[:, head] @ k[:, head // group].T * scale
        if cap is not None:
            scores = cap * torch.tanh(scores / cap)
        scores = scores.masked_fill(~seen, -math.inf)
        out.append(torch.softmax(scores, -1) @ v[:, head // group])
    return torch.cat(out, -1)


class Decoder:
    """config: the fields of config.json; weights: float64 tensors. Families define block()."""

    def __init__(self, config, weights):
        self.c, self.w = config, weights
        self.num_layers = config["num_hidden_layers"]
        self.heads = config["num_attention_heads"]
        self.kv_heads = config["num_key_value_heads"]
        self.h = config.get("head_dim") or config["hidden_size"] // self.heads
        self.eps = config["rms_norm_eps"]

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def norm(self, x, name):
        return rms_norm(x, self.w[name + ".weight"], self.eps)

    def split(self, x, heads):
        """[T, heads, h]"""
        return x.view(x.shape[0], heads, self.h)

    def swiglu(self, x, prefix):
        gate = F.silu(self.linear(x, prefix + "gate_proj"))
        return self.linear(gate * self.linear(x, prefix + "up_proj"), prefix + "down_proj")

    def embed(self, ids):
        return self.w["model.embed_tokens.weight"][torch.tensor(ids)]

    def head(self, x):
        tied = self.c.get("tie_word_embeddings", False)
        head = self.w["model.embed_tokens.weight" if tied else "lm_head.weight"]
        return F.linear(self.norm(x, "model.norm"), head)

    def begin(self, positions):
        """Called before a sequence that will have at most so many positions."""

    def seen(self, layer, window=None):
        """What rows of a layer attend to. A token that skips the layer is seen by itself only."""
        run = self.run[layer]
        seen = visible(len(run), window)
        return seen & (run[None, :] | torch.eye(len(run)).bool())

    def dense(self, ids, positions=None, run=None):
        """[T, V] logits of a whole sequence; run [L, T] tells which tokens run which layers."""
        self.begin(positions or len(ids) + 1)
        self.run = torch.ones(self.num_layers, len(ids)).bool() if run is None else run
        x = self.embed(ids)
        for layer in range(self.num_layers):
            x = torch.where(self.run[layer][:, None], self.block(layer, x), x)
        return self.head(x)


def attention_shapes(c, p, h, bias=False, output_bias=False):
    """Shapes of separate projections."""
    d, q, kv = c["hidden_size"], c["num_attention_heads"] * h, c["num_key_value_heads"] * h
    shapes = {f"{p}q_proj.weight": (q, d), f"{p}k_proj.weight": (kv, d)}
    shapes.update({f"{p}v_proj.weight": (kv, d), f"{p}o_proj.weight": (d, q)})
    if bias:
        shapes.update({f"{p}q_proj.bias": (q,), f"{p}k_proj.bias": (kv,), f"{p}v_proj.bias": (kv,)})
    if output_bias:
        shapes[f"{p}o_proj.bias"] = (d,)
    return shapes


def mlp_shapes(c, p, width=None):
    d, f = c["hidden_size"], width or c["intermediate_size"]
    return {
        f"{p}gate_proj.weight": (f, d),
        f"{p}up_proj.weight": (f, d),
        f"{p}down_proj.weight": (d, f),
    }


def outer_shapes(c):
    v, d = c["vocab_size"], c["hidden_size"]
    shapes = {"model.embed_tokens.weight": (v, d), "model.norm.weight": (d,)}
    if not c.get("tie_word_embeddings", False):
        shapes["lm_head.weight"] = (v, d)
    return shapes


def norm_shapes(c, p, *names):
    return {f"{p}{name}.weight": (c["hidden_size"],) for name in names}
