"""Greedy generation with a packed KV cache, in the precision of the matrices given to it.

This is the reference for the engine: a skipped token passes a layer unchanged and leaves no key and
value there; positions keep their absolute numbers. Rows are processed in batches; entries a row did
not store are masked.
"""

import torch
import torch.nn.functional as F

import bpe
import model as mdl


class Runner:
    """Runs one policy. `depth` is None for the dense model."""

    def __init__(self, shape, weights, lora=None, depth=None, dtype=torch.float32):
        self.s, self.depth, self.dtype = shape, depth, dtype
        w = {k: v.detach().to(dtype) for k, v in weights.items()}
        for (layer, key), (a, b) in (lora or {}).items():
            k = mdl.name(layer, key)
            w[k] = w[k] + b.detach().to(dtype) @ a.detach().to(dtype)
        self.w = w
        h = shape.head_dim
        inv = shape.theta ** (-torch.arange(0, h, 2, dtype=torch.float64) / h)
        angle = torch.arange(shape.context, dtype=torch.float64)[:, None] * inv
        self.cos, self.sin = angle.cos().to(dtype), angle.sin().to(dtype)
        if depth is not None and depth.gates:
            self.gates = {k: v.detach().to(dtype) for k, v in depth.gates.items()}

    def norm(self, x, key):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.s.eps) * self.w[key]

    def executes(self, layer, x, pos):
        """Boolean mask [B, T] for the tokens at positions pos [B, T]."""
        d = self.depth
        if d is None:
            return torch.ones(x.shape[:2], dtype=torch.bool)
        if d.kind == "static":
            return torch.full(x.shape[:2], layer in d.keep)
        if layer < d.start:
            return torch.ones(x.shape[:2], dtype=torch.bool)
        if d.kind == "random":
            run = torch.rand(x.shape[:2]) < d.rates[layer]
        else:
            p, g = f"layers.{layer}.router.", self.gates
            u = F.linear(x, g[p + "0.weight"], g[p + "0.bias"])
            u = u * torch.rsqrt(u.square().mean(-1, keepdim=True) + self.s.eps)
            z = F.linear(F.silu(u * g[p + "norm.weight"]), g[p + "1.weight"], g[p + "1.bias"])
            run = z[..., 1] - z[..., 0] >= d.threshold
        return run | (pos < d.reserve)

    def step(self, ids, pos, cache, used):
        """Feeds ids [B, T] at positions pos [B, T]; returns residual and mask [L, B, T].

        cache[l] = (k, v) of shape [B, KV, C, h]; used[l] marks stored entries [B, C]; entry c of a
        row is position c.
        """
        s = self.s
        b, t = ids.shape
        x = self.w["model.embed_tokens.weight"][ids]
        masks = []
        rows = torch.arange(b)[:, None].expand(b, t)
        cos, sin = self.cos[pos][:, :, None], self.sin[pos][:, :, None]
        cols = int(pos.max()) + 1
        for i in range(s.layers):
            run = self.executes(i, x, pos)
            masks.append(run)
            if not run.any():
                continue
            w = lambda k: self.w[mdl.name(i, k)]
            n = self.norm(x, mdl.name(i, "input_layernorm"))
            q = F.linear(n, w("q_proj")).view(b, t, s.heads, s.head_dim)
            k = F.linear(n, w("k_proj")).view(b, t, s.kv_heads, s.head_dim)
            v = F.linear(n, w("v_proj")).view(b, t, s.kv_heads, s.head_dim)
            q, k = mdl.Rope.turn(q, cos, sin, 1.0), mdl.Rope.turn(k, cos, sin, 1.0)
            ck, cv = cache[i]
            ck[rows, :, pos], cv[rows, :, pos] = k, v
            used[i][rows, pos] |= run
            q = q.transpose(1, 2).reshape(b, s.kv_heads, -1, s.head_dim)
            scores = q @ ck[:, :, :cols].transpose(2, 3) * s.head_dim**-0.5
            scores = scores.view(b, s.heads, t, cols)
            col = torch.arange(cols)
            seen = used[i][:, None, :cols] & (col <= pos[..., None])
            seen = seen | (col == pos[..., None])
            scores = scores.masked_fill(~seen[:, None], float("-inf"))
            o = scores.softmax(-1).view(b, s.kv_heads, -1, cols) @ cv[:, :, :cols]
            o = o.view(b, s.heads, t, s.head_dim).transpose(1, 2).reshape(b, t, -1)
            y = x + F.linear(o, w("o_proj"))
            n = self.norm(y, mdl.name(i, "post_attention_layernorm"))
            y = y + F.linear(F.silu(F.linear(n, w("gate_proj"))) * F.linear(n, w("up_proj")), w("down_proj"))
            x = torch.where(run[..., None], y, x)
        return x, torch.stack(masks)

    def logits(self, x):
        return F.linear(self.norm(x, "model.norm.weight"), self.w["model.embed_tokens.weight"])

    @torch.no_grad()
    def generate(self, prompts, limit=96):
        """Greedy answers for prompts (lists of ids).

        Returns per row: answer ids (without the end token), the last-position prompt logits, and
        the mask [L, prompt + fed answer tokens] of executed cells.
        """
        s, b = self.s, len(prompts)
        sizes = torch.tensor([len(p) for p in prompts])
        longest = int(sizes.max())
        ids = torch.zeros(b, longest, dtype=torch.long)
        for r, p in enumerate(prompts):
            ids[r, : len(p)] = torch.tensor(p)
        total = longest + limit
        shape = (b, s.kv_heads, total, s.head_dim)
        cache = [(torch.zeros(shape, dtype=self.dtype), torch.zeros(shape, dtype=self.dtype)) for _ in range(s.layers)]
        used = [torch.zeros(b, total, dtype=torch.bool) for _ in range(s.layers)]
        pos = torch.arange(longest).expand(b, longest)
        x, mask = self.step(ids, pos, cache, used)
        first = self.logits(x[torch.arange(b), sizes - 1])
        for u in used:  # padding must not be visible to later tokens
            u[:, :longest] &= torch.arange(longest) < sizes[:, None]
        cells = [[mask[:, r, : sizes[r]]] for r in range(b)]
        answers, alive, at = [[] for _ in range(b)], list(range(b)), sizes.clone()
        now = first.argmax(-1)
        for _ in range(limit):
            alive = [r for r in alive if int(now[r]) != bpe.END and at[r] < s.context]
            if not alive:
                break
            for r in alive:
                answers[r].append(int(now[r]))
            pick = torch.tensor(alive)
            sub = [(k[pick], v[pick]) for k, v in cache]
            sub_used = [u[pick] for u in used]
            x, mask = self.step(now[pick][:, None], at[pick][:, None], sub, sub_used)
            for i in range(s.layers):
                cache[i][0][pick], cache[i][1][pick] = sub[i]
                used[i][pick] = sub_used[i]
            for j, r in enumerate(alive):
                cells[r].append(mask[:, j])
            now[pick] = self.logits(x[:, 0]).argmax(-1)
            at[pick] += 1
        return [(answers[r], first[r], torch.cat(cells[r], 1)) for r in range(b)]
