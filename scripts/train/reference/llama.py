"""An independent Llama in plain float64 PyTorch: the oracle of the engine's golden tests.

It is written to be read, not to be fast: every call computes the whole sequence anew, nothing is
cached, gathered or fused. Weights are a dict of float64 tensors under Hugging Face names.

Shapes: T tokens, d hidden size, H query heads, G key/value heads, h head size, V vocabulary.
"""

import math

import torch
import torch.nn.functional as F


def rope_frequencies(config):
    """[h/2] angular frequencies, scaled as `rope_scaling` of config.json says."""
    h = config["head_dim"]
    freq = config["rope_theta"] ** (-torch.arange(0, h, 2, dtype=torch.float64) / h)
    scaling = config.get("rope_scaling")
    if scaling is None:
        return freq
    kind = scaling.get("rope_type", scaling.get("type"))
    if kind == "linear":
        return freq / scaling["factor"]
    if kind != "llama3":
        raise ValueError(f"unknown rope scaling {kind}")
    # Llama 3.1: long waves are stretched, short ones kept, those between are blended.
    context = scaling["original_max_position_embeddings"]
    low, high = scaling["low_freq_factor"], scaling["high_freq_factor"]
    out = []
    for f in freq.tolist():
        turns = context * f / (2 * math.pi)  # full turns within the original context
        if turns > high:
            out.append(f)
        elif turns < low:
            out.append(f / scaling["factor"])
        else:
            s = (turns - low) / (high - low)
            out.append((1 - s) * f / scaling["factor"] + s * f)
    return torch.tensor(out, dtype=torch.float64)


def rotate(x, freq):
    """Half-rotation of x [T, heads, h]: dimension i turns together with i + h/2."""
    angle = torch.arange(x.shape[0], dtype=torch.float64)[:, None] * freq
    cos, sin = angle.cos()[:, None, :], angle.sin()[:, None, :]
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


class Reference:
    """config: the fields of config.json with head_dim filled in; weights: float64 tensors."""

    def __init__(self, config, weights):
        self.c, self.w = config, weights
        self.freq = rope_frequencies(config)
        self.num_layers = config["num_hidden_layers"]

    def linear(self, x, name):
        return F.linear(x, self.w[name + ".weight"], self.w.get(name + ".bias"))

    def norm(self, x, name):
        scale = torch.rsqrt(x.square().mean(-1, keepdim=True) + self.c["rms_norm_eps"])
        return x * scale * self.w[name + ".weight"]

    def attention(self, layer, x, visible):
        """x [T, d] after the norm; visible [T, T] tells which columns a row may attend to."""
        p, t, h = f"model.layers.{layer}.self_attn.", x.shape[0], self.c["head_dim"]
        heads, kv_heads = self.c["num_attention_heads"], self.c["num_key_value_heads"]
        q = rotate(self.linear(x, p + "q_proj").view(t, heads, h), self.freq)
        k = rotate(self.linear(x, p + "k_proj").view(t, kv_heads, h), self.freq)
        v = self.linear(x, p + "v_proj").view(t, kv_heads, h)
        out = []
        for head in range(heads):
            kv = head // (heads // kv_heads)
            scores = q[:, head] @ k[:, kv].T / math.sqrt(h)
            scores = scores.masked_fill(~visible, -math.inf)
            out.append(torch.softmax(scores, -1) @ v[:, kv])
        return self.linear(torch.cat(out, -1), p + "o_proj")

    def block(self, layer, x, visible):
        p = f"model.layers.{layer}."
        x = x + self.attention(layer, self.norm(x, p + "input_layernorm"), visible)
        n = self.norm(x, p + "post_attention_layernorm")
        gate, up = self.linear(n, p + "mlp.gate_proj"), self.linear(n, p + "mlp.up_proj")
        return x + self.linear(F.silu(gate) * up, p + "mlp.down_proj")

    def embed(self, ids):
        return self.w["model.embed_tokens.weight"][torch.tensor(ids)]

    def head(self, x):
        """[N, V] logits of the residuals x [N, d]."""
        tied = self.c.get("tie_word_embeddings", False)
        head = self.w["model.embed_tokens.weight" if tied else "lm_head.weight"]
        return F.linear(self.norm(x, "model.norm"), head)

    def dense(self, ids):
        """[T, V] logits of a whole sequence."""
        x = self.embed(ids)
        causal = torch.ones(len(ids), len(ids)).tril().bool()
        for layer in range(self.num_layers):
            x = self.block(layer, x, causal)
        return self.head(x)


class Gated:
    """D-LLM: before each gated layer a router decides per token whether the layer runs.

    A token that skips a layer passes it unchanged and leaves no key or value there, so later
    tokens cannot see it in that layer. LoRA deltas on q, k and v are merged into the weights.
    """

    def __init__(self, model, artefact, routers):
        self.a, self.r = artefact, routers
        weights = dict(model.w)
        for target in artefact.get("lora", {}).get("targets", []):
            for layer in range(model.num_layers):
                name = f"model.layers.{layer}.self_attn.{target}.weight"
                a, b = (routers[f"layers.{layer}.{target}.lora_{x}"] for x in "ab")
                weights[name] = weights[name] + b @ a
        self.m = Reference(model.c, weights)

    def margin(self, layer, x):
        """[T] score of executing minus score of skipping, from the raw residual x [T, d]."""
        p, r = f"layers.{layer}.router.", self.r
        u = F.linear(x, r[p + "0.weight"], r[p + "0.bias"])
        u = u * torch.rsqrt(u.square().mean(-1, keepdim=True) + self.a["rms_norm_eps"])
        z = F.linear(F.silu(u * r[p + "norm.weight"]), r[p + "1.weight"], r[p + "1.bias"])
        return z[:, 1] - z[:, 0]

    def forward(self, ids):
        """Logits [T, V], execution mask [L, T] and the decisions' distances to the threshold."""
        m, t = self.m, len(ids)
        x, masks, distances = m.embed(ids), [], []
        causal, itself = torch.ones(t, t).tril().bool(), torch.eye(t).bool()
        for layer in range(m.num_layers):
            run = torch.ones(t).bool()
            if layer >= self.a["first_gated_layer"]:
                threshold = self.a["thresholds"]["default"]
                threshold = self.a["thresholds"].get(str(layer), threshold)
                distance = self.margin(layer, x) - threshold
                run = distance >= 0
                run[: self.a["reserved_positions"]] = True
                distances.append(distance[self.a["reserved_positions"] :].abs())
            y = m.block(layer, x, causal & (run[None, :] | itself))
            x = torch.where(run[:, None], y, x)
            masks.append(run)
        return m.head(x), torch.stack(masks), torch.cat(distances)


class Exiting:
    """Confidence exit in the manner of CALM, softmax response.

    After each of the listed numbers of layers a token that is being decoded leaves if the largest
    probability of head(norm(x)) reaches the threshold. The layers above compute its keys and
    values from the residual it left with. Prompt tokens run every layer.
    """

    def __init__(self, model, after_layers, threshold):
        self.m, self.after, self.threshold = model, after_layers, threshold

    def generate(self, prompt, count):
        """Greedy tokens, the number of layers below each one's logits, the logits, distances."""
        m, ids = self.m, list(prompt)
        depth = [m.num_layers] * len(prompt)  # layers run by each position that was fed
        rows, distances = [m.dense(ids)[-1]], []
        ids.append(int(rows[-1].argmax()))
        while len(ids) < len(prompt) + count:
            depth.append(m.num_layers)
            x = m.embed(ids)
            causal = torch.ones(len(ids), len(ids)).tril().bool()
            for layer in range(m.num_layers):
                y = m.block(layer, x, causal)
                x = torch.where(torch.tensor([layer < e for e in depth])[:, None], y, x)
                if layer + 1 in self.after and depth[-1] == m.num_layers:
                    top = float(torch.softmax(m.head(x[-1:]), -1).max())
                    distances.append(abs(top - self.threshold))
                    if top >= self.threshold:
                        depth[-1] = layer + 1
            rows.append(m.head(x[-1:])[0])
            ids.append(int(rows[-1].argmax()))
        # The first token comes from the last prompt position, the others from their own slot.
        exits = depth[len(prompt) - 1 :]
        return ids[len(prompt) :], exits, torch.stack(rows), distances


def greedy(logits_of, prompt, count):
    """Greedy continuation and the [count, V] logits that chose it."""
    ids, rows = list(prompt), []
    for _ in range(count):
        rows.append(logits_of(ids)[-1])
        ids.append(int(rows[-1].argmax()))
    return ids[len(prompt) :], torch.stack(rows)
