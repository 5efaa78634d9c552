"""Compares loss and gradients of the bf16 path with a float64 run of plain autograd."""

import math

import torch
import torch.nn.functional as F

import model as mdl


def plain(w, s, ids):
    x = F.embedding(ids, w["model.embed_tokens.weight"])
    rms = lambda v, g: v * torch.rsqrt(v.square().mean(-1, keepdim=True) + s.eps) * g
    b, t = ids.shape
    inv = s.theta ** (-torch.arange(0, s.head_dim, 2, dtype=x.dtype) / s.head_dim)
    ang = torch.arange(t, dtype=x.dtype)[:, None] * inv
    cos, sin = torch.cat((ang.cos(),) * 2, -1), torch.cat((ang.sin(),) * 2, -1)
    half = lambda v: torch.cat((-v[..., s.head_dim // 2 :], v[..., : s.head_dim // 2]), -1)
    rot = lambda v: v * cos + half(v) * sin
    for i in range(s.layers):
        g = lambda k: w[mdl.name(i, k)]
        n = rms(x, g("input_layernorm"))
        heads = lambda v, h: v.view(b, t, h, s.head_dim).transpose(1, 2)
        q = rot(heads(n @ g("q_proj").t(), s.heads))
        k = rot(heads(n @ g("k_proj").t(), s.kv_heads)).repeat_interleave(s.heads // s.kv_heads, 1)
        v = heads(n @ g("v_proj").t(), s.kv_heads).repeat_interleave(s.heads // s.kv_heads, 1)
        sc = q @ k.transpose(2, 3) / math.sqrt(s.head_dim)
        sc = sc.masked_fill(torch.ones(t, t).triu(1).bool(), float("-inf"))
        o = (sc.softmax(-1) @ v).transpose(1, 2).reshape(b, t, -1)
        x = x + o @ g("o_proj").t()
        n = rms(x, g("post_attention_layernorm"))
        x = x + (F.silu(n @ g("gate_proj").t()) * (n @ g("up_proj").t())) @ g("down_proj").t()
    return rms(x, w["model.norm.weight"]) @ w["model.embed_tokens.weight"].t()


def gated_attention():
    """GatedAttention against plain autograd of softmax * keep / sum."""
    torch.manual_seed(1)
    b, kv, g, t, h = 2, 2, 3, 12, 8
    q, k, v = (torch.randn(*n, dtype=torch.float64) for n in ((b, kv, g, t, h), (b, kv, t, h), (b, kv, t, h)))
    keep = (torch.rand(b, t) < 0.5).double()
    bias = torch.full((t, t), -1e4, dtype=torch.float64).triu(1)
    grads = []
    for fast in (True, False):
        leaves = [x.clone().requires_grad_(True) for x in (q * 0.2, k, v, keep)]
        a, c, d, e = leaves
        if fast:
            o = mdl.GatedAttention.apply(a, c, d, bias, e)
        else:
            p = (torch.einsum("bkgth,bksh->bkgts", a, c) + bias).softmax(-1)
            mask = torch.where(torch.eye(t).bool(), torch.ones(t, t).double(), e[:, None, :])
            p = p * mask[:, None, None]
            o = torch.einsum("bkgts,bksh->bkgth", p / p.sum(-1, keepdim=True), d)
        (o * torch.arange(h)).sin().sum().backward()
        grads.append([x.grad for x in leaves])
    errors = [((x - y).norm() / y.norm()).item() for x, y in zip(*grads)]
    worst = max(errors)
    print("gated attention: gradient errors (q, k, v, keep)", ["%.1e" % e for e in errors])
    assert worst < 1e-3


def main():
    gated_attention()
    torch.manual_seed(0)
    s = mdl.Shape(vocab=512)
    w = mdl.init(s, 3)
    ids = torch.randint(4, 512, (3, 40))
    ref = {k: v.double().requires_grad_(True) for k, v in w.items()}
    fast = {k: v.clone().requires_grad_(True) for k, v in w.items()}
    loss = lambda lg: F.cross_entropy(lg[:, :-1].reshape(-1, 512), ids[:, 1:].reshape(-1))
    a = loss(plain(ref, s, ids))
    a.backward()
    m = mdl.Model(s, fast)
    b = loss(m.logits(m.forward(ids)[0]))
    b.backward()
    worst = max((fast[k].grad - ref[k].grad).norm() / ref[k].grad.norm() for k in w)
    print(f"loss {a.item():.6f} (float64) {b.item():.6f} (bf16); worst gradient error {worst:.2e}")
    assert worst < 0.05


if __name__ == "__main__":
    main()
