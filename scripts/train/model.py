"""Llama-shaped decoder in plain PyTorch, tuned for bf16 on a CPU with AMX.

Weights are fp32 masters under their Hugging Face names; matrix products run in bf16. Three
hand-written autograd functions avoid the many small elementwise kernels autograd would launch.
`Depth` adds gates (or fixed rates) that decide per token and layer whether the layer runs.
"""

import dataclasses
import json
import math
import struct

import numpy as np
import torch
import torch.nn.functional as F


@dataclasses.dataclass
class Shape:
    vocab: int = 2048
    d: int = 192
    layers: int = 12
    heads: int = 6
    kv_heads: int = 2
    head_dim: int = 32
    ff: int = 512
    eps: float = 1e-5
    theta: float = 1e4
    context: int = 1024


NAMES = {
    "q_proj": "self_attn.q_proj", "k_proj": "self_attn.k_proj", "v_proj": "self_attn.v_proj",
    "o_proj": "self_attn.o_proj", "gate_proj": "mlp.gate_proj", "up_proj": "mlp.up_proj",
    "down_proj": "mlp.down_proj",
}  # fmt: skip


def name(layer, key):
    return f"model.layers.{layer}.{NAMES.get(key, key)}.weight"


def init(shape, seed):
    g = torch.Generator().manual_seed(seed)
    rand = lambda o, i, s: torch.randn(o, i, generator=g) * s
    d, f, out = shape.d, shape.ff, 1 / math.sqrt(2 * shape.layers)
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    w = {"model.embed_tokens.weight": rand(shape.vocab, d, 0.05), "model.norm.weight": torch.ones(d)}
    for i in range(shape.layers):
        w[name(i, "input_layernorm")] = torch.ones(d)
        w[name(i, "post_attention_layernorm")] = torch.ones(d)
        w[name(i, "q_proj")] = rand(q, d, d**-0.5)
        w[name(i, "k_proj")] = rand(kv, d, d**-0.5)
        w[name(i, "v_proj")] = rand(kv, d, d**-0.5)
        w[name(i, "o_proj")] = rand(d, q, q**-0.5 * out)
        w[name(i, "gate_proj")] = rand(f, d, d**-0.5)
        w[name(i, "up_proj")] = rand(f, d, d**-0.5)
        w[name(i, "down_proj")] = rand(d, f, f**-0.5 * out)
    return w


class Norm(torch.autograd.Function):
    """RMSNorm of an fp32 input with a bf16 (or same type) output."""

    @staticmethod
    def forward(ctx, x, g, eps, dtype):
        r = torch.rsqrt(x.square().mean(-1, keepdim=True) + eps)
        n = x * r
        ctx.save_for_backward(n, r, g)
        return (n * g).to(dtype)

    @staticmethod
    def backward(ctx, gy):
        n, r, g = ctx.saved_tensors
        gy = gy.to(n.dtype)
        gg = (gy * n).flatten(0, -2).sum(0) if ctx.needs_input_grad[1] else None
        gn = gy * g
        gx = gn.sub_(n * (gn * n).mean(-1, keepdim=True)).mul_(r)
        return gx, gg, None, None


class SwiGlu(torch.autograd.Function):
    """silu(gate) * up for a joined [.., 2 ff] input."""

    @staticmethod
    def forward(ctx, gu):
        g, u = gu.chunk(2, -1)
        ctx.save_for_backward(gu)
        return F.silu(g).mul_(u)

    @staticmethod
    def backward(ctx, gy):
        (gu,) = ctx.saved_tensors
        g, u = gu.chunk(2, -1)
        out = torch.empty_like(gu)
        og, ou = out.chunk(2, -1)
        s = torch.sigmoid(g)
        torch.mul(g, s, out=ou)
        og.copy_(s.add(ou).sub_(s * ou)).mul_(u).mul_(gy)
        ou.mul_(gy)
        return out


class Attention(torch.autograd.Function):
    """softmax(q k' + bias) v; q is [B, KV, G, T, h] (scaled), k and v are [B, KV, T, h]."""

    @staticmethod
    def forward(ctx, q, k, v, bias):
        b, kv, g, t, h = q.shape
        qf = q.reshape(b * kv, g * t, h)
        kf, vf = k.reshape(b * kv, t, h), v.reshape(b * kv, t, h)
        s = torch.bmm(qf, kf.transpose(1, 2)).view(b, kv, g, t, t)
        s += bias
        p = torch.softmax(s, -1).view(b * kv, g * t, t)
        ctx.save_for_backward(qf, kf, vf, p)
        ctx.shape = (b, kv, g, t, h)
        return torch.bmm(p, vf).view(b, kv, g, t, h)

    @staticmethod
    def backward(ctx, go):
        qf, kf, vf, p = ctx.saved_tensors
        b, kv, g, t, h = ctx.shape
        go = go.reshape(b * kv, g * t, h)
        gv = torch.bmm(p.transpose(1, 2), go)
        gp = torch.bmm(go, vf.transpose(1, 2))
        gs = torch._softmax_backward_data(gp, p, -1, p.dtype)
        gq = torch.bmm(gs, kf)
        gk = torch.bmm(gs.transpose(1, 2), qf)
        return gq.view(b, kv, g, t, h), gk.view(b, kv, t, h), gv.view(b, kv, t, h), None


class GatedAttention(torch.autograd.Function):
    """Attention in which key j counts only if keep[b, j] is one (or j is the query itself).

    Equal to softmax over all keys, times keep, renormalised; so keep receives a gradient for kept
    keys (what would be lost) and for evicted keys (what would be gained).
    """

    @staticmethod
    def forward(ctx, q, k, v, bias, keep):
        b, kv, g, t, h = q.shape
        qf = q.reshape(b * kv, g * t, h)
        kf, vf = k.reshape(b * kv, t, h), v.reshape(b * kv, t, h)
        s = torch.bmm(qf, kf.transpose(1, 2)).view(b, kv, g, t, t)
        s += bias
        r = torch.softmax(s, -1)
        mask = torch.maximum(keep.to(q.dtype)[:, None, :], torch.eye(t).to(q.dtype))
        mask = mask[:, None, None]
        z = (r * mask).sum(-1, keepdim=True).clamp_(min=1e-6)
        r.div_(z).clamp_(max=16.0)
        p = (r * mask).view(b * kv, g * t, t)
        ctx.save_for_backward(qf, kf, vf, r, mask)
        ctx.shape = (b, kv, g, t, h)
        return torch.bmm(p, vf).view(b, kv, g, t, h)

    @staticmethod
    def backward(ctx, go):
        qf, kf, vf, r, mask = ctx.saved_tensors
        b, kv, g, t, h = ctx.shape
        go = go.reshape(b * kv, g * t, h)
        p = r * mask
        gv = torch.bmm(p.view(b * kv, g * t, t).transpose(1, 2), go)
        gp = torch.bmm(go, vf.transpose(1, 2)).view(b, kv, g, t, t)
        p.mul_(gp)
        gp.sub_(p.sum(-1, keepdim=True)).mul_(r)
        total = gp.sum((1, 2), dtype=torch.float32)
        gkeep = total.sum(1) - total.diagonal(dim1=1, dim2=2)
        gs = gp.mul_(mask).view(b * kv, g * t, t)
        gq = torch.bmm(gs, kf)
        gk = torch.bmm(gs.transpose(1, 2), qf)
        shape = (b, kv, t, h)
        return gq.view(b, kv, g, t, h), gk.view(shape), gv.view(shape), None, gkeep


class Rope(torch.autograd.Function):
    """Half-rotation rotary embedding of [B, T, H, h]."""

    @staticmethod
    def turn(x, cos, sin, sign):
        a, b = x.chunk(2, -1)
        return torch.cat((a * cos - b * (sin * sign), b * cos + a * (sin * sign)), -1)

    @staticmethod
    def forward(ctx, x, cos, sin):
        ctx.save_for_backward(cos, sin)
        return Rope.turn(x, cos, sin, 1.0)

    @staticmethod
    def backward(ctx, gy):
        cos, sin = ctx.saved_tensors
        return Rope.turn(gy, cos, sin, -1.0), None, None


class Model:
    """Holds the weights and runs the forward pass; dtype is the type of the matrix products."""

    def __init__(self, shape, weights, dtype=torch.bfloat16):
        self.shape, self.w, self.dtype = shape, weights, dtype
        self.lora = {}
        h = shape.head_dim
        real = torch.float64 if dtype == torch.float64 else torch.float32
        inv = shape.theta ** (-torch.arange(0, h, 2, dtype=torch.float64) / h)
        angle = torch.arange(shape.context, dtype=torch.float64)[:, None] * inv
        self.cos, self.sin = angle.cos().to(real), angle.sin().to(real)
        self.real = real
        self.bias = {}

    def causal(self, t):
        if t not in self.bias:
            self.bias[t] = torch.full((t, t), -1e4).triu(1).to(self.dtype)
        return self.bias[t]

    def matrix(self, layer, key):
        w = self.w[name(layer, key)]
        if (layer, key) in self.lora:
            a, b = self.lora[layer, key]
            w = w + b @ a
        return w

    def qkv(self, layer):
        return torch.cat([self.matrix(layer, k) for k in ("q_proj", "k_proj", "v_proj")]).to(self.dtype)

    def norm(self, x, key):
        return Norm.apply(x, self.w[key], self.shape.eps, self.dtype)

    def block(self, layer, x, bias, keep=None, pos=None):
        """One whole layer on the residual x [B, T, d].

        keep [B, T] marks keys that are stored; pos [B, T] are absolute positions, if not 0, 1, ...
        """
        s, dt = self.shape, self.dtype
        b, t, _ = x.shape
        n = self.norm(x, name(layer, "input_layernorm"))
        qkv = F.linear(n, self.qkv(layer)).view(b, t, s.heads + 2 * s.kv_heads, s.head_dim)
        pos = torch.arange(t) if pos is None else pos
        cos, sin = self.cos[pos][..., None, :].to(dt), self.sin[pos][..., None, :].to(dt)
        rot = Rope.apply(qkv[:, :, : s.heads + s.kv_heads], cos, sin)
        q = rot[:, :, : s.heads] * s.head_dim**-0.5
        q = q.view(b, t, s.kv_heads, s.heads // s.kv_heads, s.head_dim).permute(0, 2, 3, 1, 4)
        k = rot[:, :, s.heads :].permute(0, 2, 1, 3)
        v = qkv[:, :, s.heads + s.kv_heads :].permute(0, 2, 1, 3)
        if keep is None:
            o = Attention.apply(q, k, v, bias)
        else:
            o = GatedAttention.apply(q, k, v, bias, keep)
        o = o.permute(0, 3, 1, 2, 4).reshape(b, t, -1)
        x = x + F.linear(o, self.w[name(layer, "o_proj")].to(dt))
        n = self.norm(x, name(layer, "post_attention_layernorm"))
        gu = torch.cat([self.w[name(layer, k)] for k in ("gate_proj", "up_proj")]).to(dt)
        return x + F.linear(SwiGlu.apply(F.linear(n, gu)), self.w[name(layer, "down_proj")].to(dt))

    def embed(self, ids):
        return F.embedding(ids, self.w["model.embed_tokens.weight"])

    def logits(self, x):
        """Logits of the rows of x [N, d]."""
        n = self.norm(x, "model.norm.weight")
        return F.linear(n, self.w["model.embed_tokens.weight"].to(self.dtype)).to(self.real)

    def forward(self, ids, drop=(), tap=None):
        """Dense pass; layers in `drop` are skipped, the residual after layer `tap` is kept."""
        x, kept = self.embed(ids), None
        bias = self.causal(ids.shape[1])
        for i in range(self.shape.layers):
            if i not in drop:
                x = self.block(i, x, bias)
            if i == tap:
                kept = x
        return x, kept


class Depth:
    """Decides which (token, layer) cells run, during training and in teacher-forced passes.

    kind "dllm": a gate per layer on the raw residual. kind "random": fixed rates per layer, tokens
    drawn at random. kind "static": a fixed layer list. All of them always run the first `start`
    layers (static: only the layers of its list) and the first `reserve` positions.
    """

    def __init__(self, model, kind, hidden=32, start=2, reserve=2, rates=None, keep=None, seed=1):
        self.model, self.kind, self.start, self.reserve = model, kind, start, reserve
        self.rates, self.keep, self.threshold = rates, keep, 0.0
        self.gates, self.h = {}, hidden
        if kind == "dllm":
            g = torch.Generator().manual_seed(seed)
            d = model.shape.d
            for i in range(start, model.shape.layers):
                self.gates[f"layers.{i}.router.0.weight"] = torch.randn(hidden, d, generator=g) * 0.5
                self.gates[f"layers.{i}.router.0.bias"] = torch.zeros(hidden)
                self.gates[f"layers.{i}.router.norm.weight"] = torch.ones(hidden)
                self.gates[f"layers.{i}.router.1.weight"] = torch.randn(2, hidden, generator=g) * 0.02
                self.gates[f"layers.{i}.router.1.bias"] = torch.tensor([0.1, 2.0])

    def scores(self, layer, x):
        """z[1] - z[0] of the gate of a layer for x [.., d]."""
        p, g = f"layers.{layer}.router.", self.gates
        u = F.linear(x, g[p + "0.weight"], g[p + "0.bias"])
        u = u * torch.rsqrt(u.square().mean(-1, keepdim=True) + self.model.shape.eps)
        z = F.linear(F.silu(u * g[p + "norm.weight"]), g[p + "1.weight"], g[p + "1.bias"])
        return z[..., 1] - z[..., 0]

    def decide(self, layer, x, tau, noise):
        """Execution mask [B, T] of a layer; carries a straight-through gradient when training."""
        b, t, _ = x.shape
        if self.kind == "static":
            return torch.full((b, t), float(layer in self.keep), dtype=x.dtype)
        if layer < self.start:
            return torch.ones(b, t, dtype=x.dtype)
        if self.kind == "random":
            e = (torch.rand(b, t) < self.rates[layer]).to(x.dtype)
        else:
            z = self.scores(layer, x)
            if tau is None:
                e = (z >= self.threshold).to(x.dtype)
            else:
                if noise:
                    u = torch.rand_like(z).clamp_(1e-6, 1 - 1e-6)
                    z = z + noise * (u.log() - (-u).log1p())
                soft = torch.sigmoid(z / tau)
                e = (soft >= 0.5).to(x.dtype) + soft - soft.detach()
        if self.reserve:
            e = torch.cat((torch.ones(b, self.reserve, dtype=x.dtype), e[:, self.reserve :]), 1)
        return e

    def packed(self, layer, x, run):
        """Runs a layer on the marked tokens only; equal to masking, without a gradient to `run`."""
        b, t, d = x.shape
        counts = run.sum(1)
        if not counts.any():
            return x
        pos = torch.argsort((~run).to(torch.int8), dim=1, stable=True)[:, : int(counts.max())]
        y = x.gather(1, pos[..., None].expand(-1, -1, d))
        y = self.model.block(layer, y, self.model.causal(pos.shape[1]), None, pos)
        rows, slots = torch.nonzero(torch.arange(pos.shape[1]) < counts[:, None], as_tuple=True)
        return x.index_put((rows, pos[rows, slots]), y[rows, slots])

    def forward(self, ids, tau=None, noise=0.0):
        """Returns the final residual and the mask [L, B, T]."""
        m = self.model
        t = ids.shape[1]
        x, masks = m.embed(ids), []
        causal = m.causal(t)
        for i in range(m.shape.layers):
            e = self.decide(i, x, tau, noise)
            masks.append(e)
            if self.kind == "static":
                if i in self.keep:
                    x = m.block(i, x, causal)
                continue
            if i >= self.start and (self.kind == "random" or not torch.is_grad_enabled()):
                x = self.packed(i, x, e > 0)
                continue
            y = m.block(i, x, causal, None if i < self.start else e)
            x = x + e[..., None] * (y - x)
        return x, torch.stack(masks)


def save(path, tensors, dtype, meta=None):
    """Writes a safetensors file; sorted names, so that equal weights give equal bytes."""
    kinds = {"F16": np.float16, "F32": np.float32}
    header, blobs, at = ({"__metadata__": meta} if meta else {}), [], 0
    for key in sorted(tensors):
        a = np.ascontiguousarray(tensors[key].detach().numpy().astype(kinds[dtype]))
        header[key] = {"dtype": dtype, "shape": list(a.shape), "data_offsets": [at, at + a.nbytes]}
        blobs.append(a.tobytes())
        at += a.nbytes
    head = json.dumps(header, separators=(",", ":")).encode()
    head += b" " * (-len(head) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(head)) + head)
        for b in blobs:
            f.write(b)


def load(path):
    """Reads a safetensors file with F16 or F32 tensors as fp32."""
    kinds = {"F16": np.float16, "F32": np.float32}
    raw = open(path, "rb").read()
    size = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for key, e in json.loads(raw[8 : 8 + size]).items():
        if key != "__metadata__":
            a, b = e["data_offsets"]
            flat = np.frombuffer(raw[8 + size + a : 8 + size + b], kinds[e["dtype"]])
            out[key] = torch.from_numpy(flat.astype(np.float32).reshape(e["shape"]))
    return out
