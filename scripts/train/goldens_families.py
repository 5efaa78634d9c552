"""Makes a tiny seeded model of every supported family in both formats, with golden outputs.

    python3 scripts/train/goldens_families.py [OUT] [NAME...]
    (default: all of them, into engine/src/test/resources/families)

A Hugging Face folder and a GGUF file of each family, both written by hand, each with a golden.json
computed by reference/FAMILY.py in float64 from exactly the values that the file holds. The GGUF
files are what llama.cpp's converter makes: its names, its row order, its keys, norms with the 1
already added. They have no tokenizer.
"""

import math
import os
import shutil
import sys

import numpy as np
import torch

from goldens import GGUF_FILE_TYPES, MARGIN, TooClose, check_greedy, interleave, make_prompts
from goldens import quantise, rounded, some_logits, write_folder, write_gguf_file, write_golden
from reference import Reference, gemma2, gemma3, granite, mistral, mixtral, olmo2, phi3
from reference import qwen2, qwen3, qwen3_moe, smollm3

NEW_TOKENS = 64
BASE = dict(
    vocab_size=96, hidden_size=32, intermediate_size=48, num_hidden_layers=4,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5,
    rope_theta=10000.0, tie_word_embeddings=False, bos_token_id=0, eos_token_id=1,
    hidden_act="silu",
)  # fmt: skip
LONG_FACTORS = [1.0, 1.3, 1.9, 2.6, 3.7, 5.0]

# Families: the name of the class in config.json, the oracle, its module, what differs from BASE in
# the folder, what differs from that in the GGUF file, whether llama.cpp permutes query and key rows,
# how many different tokens a short continuation must have (if not 8).
FAMILIES = {
    "llama": dict(
        type="LlamaForCausalLM", oracle=Reference, module=mistral, permuted=True,
        config=dict(num_key_value_heads=1, rope_scaling={
            "rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64})),
    "mistral": dict(
        type="MistralForCausalLM", oracle=mistral.Mistral, module=mistral, permuted=True,
        gguf_name="llama", config=dict(sliding_window=9, head_dim=12)),
    "smollm3": dict(
        type="SmolLM3ForCausalLM", oracle=smollm3.SmolLM3, module=smollm3, permuted=True,
        config=dict(no_rope_layers=[1, 0, 1, 0], tie_word_embeddings=True, rope_theta=5e6),
        gguf=dict(no_rope_layers=None)),
    "qwen2": dict(
        type="Qwen2ForCausalLM", oracle=qwen2.Qwen2, module=qwen2, permuted=False,
        config=dict(use_sliding_window=True, sliding_window=11, max_window_layers=2,
                    rope_theta=1e6, tie_word_embeddings=True),
        gguf=dict(use_sliding_window=False)),
    "qwen3": dict(
        type="Qwen3ForCausalLM", oracle=qwen3.Qwen3, module=qwen3, permuted=False,
        config=dict(head_dim=12, rope_theta=1e6, attention_bias=False)),
    "gemma2": dict(
        type="Gemma2ForCausalLM", oracle=gemma2.Gemma2, module=gemma2, permuted=False,
        config=dict(head_dim=12, tie_word_embeddings=True, hidden_act="gelu_pytorch_tanh",
                    hidden_activation="gelu_pytorch_tanh", sliding_window=7,
                    query_pre_attn_scalar=9, attn_logit_softcapping=3.0,
                    final_logit_softcapping=0.5),
        gguf=dict(query_pre_attn_scalar=12)),
    "gemma3": dict(
        type="Gemma3ForCausalLM", model_type="gemma3_text", oracle=gemma3.Gemma3, module=gemma3,
        permuted=False,
        config=dict(head_dim=12, tie_word_embeddings=True, hidden_activation="gelu_pytorch_tanh",
                    sliding_window=10, sliding_window_pattern=3, query_pre_attn_scalar=16,
                    num_hidden_layers=6, rope_theta=1e6, rope_local_base_freq=10000.0,
                    rope_scaling={"rope_type": "linear", "factor": 8.0},
                    num_key_value_heads=1, intermediate_size=40),
        gguf=dict(query_pre_attn_scalar=12, sliding_window_pattern=6)),
    "phi3": dict(
        type="Phi3ForCausalLM", oracle=phi3.Phi3, module=phi3, permuted=False,
        config=dict(num_attention_heads=2, num_key_value_heads=1, partial_rotary_factor=0.75,
                    sliding_window=40, original_max_position_embeddings=32,
                    rope_scaling={"type": "longrope", "long_factor": LONG_FACTORS,
                                  "short_factor": [1.0, 1.0, 1.1, 1.2, 1.3, 1.4]})),
    "olmo2": dict(
        type="Olmo2ForCausalLM", oracle=olmo2.Olmo2, module=olmo2, permuted=False,
        config=dict(rope_theta=500000.0, attention_bias=False)),
    "granite": dict(
        distinct=4, type="GraniteForCausalLM",
        oracle=granite.Granite, module=granite, permuted=True,
        config=dict(embedding_multiplier=12.0, residual_multiplier=0.7, logits_scaling=8.0,
                    attention_multiplier=0.2, attention_bias=False,
                    mlp_bias=False)),
    "mixtral": dict(
        type="MixtralForCausalLM", oracle=mixtral.Mixtral, module=mixtral, permuted=True,
        gguf_name="llama",
        config=dict(num_local_experts=4, num_experts_per_tok=2, sliding_window=None,
                    num_hidden_layers=3, intermediate_size=32)),
    "qwen3_moe": dict(
        distinct=4, type="Qwen3MoeForCausalLM",
        oracle=qwen3_moe.Qwen3Moe, module=qwen3_moe, permuted=False,
        gguf_name="qwen3moe",
        config=dict(num_experts=6, num_experts_per_tok=2, norm_topk_prob=False, head_dim=12,
                    moe_intermediate_size=24, decoder_sparse_step=2, mlp_only_layers=[],
                    num_hidden_layers=4, rope_theta=1e6),
        gguf=dict(norm_topk_prob=True, decoder_sparse_step=1, num_hidden_layers=3)),
}  # fmt: skip


# ---- weights -------------------------------------------------------------------------------


def make_weights(shapes, config, seed):
    """Random weights; norms lie around 1, or around 0 where 1 is added to them."""
    g = torch.Generator().manual_seed(seed)
    gemma = config["model_type"].startswith("gemma")
    centre = 0.0 if gemma else 1.0
    gains = {"q_proj": 1.6, "k_proj": 1.6, "qkv_proj": 1.4, "gate": 3.0, "lm_head": 2.5}
    out = {}
    for name, shape in shapes.items():
        noise = torch.randn(*shape, generator=g, dtype=torch.float64)
        module = name.split(".")[-2]
        if name.endswith(".bias"):
            out[name] = 0.3 * noise
        elif len(shape) == 1:
            behind = module.startswith("post_") and gemma
            out[name] = centre + 0.2 * noise + (1.5 if behind else 0)
        elif module == "embed_tokens":
            # Scaled embeddings must not outweigh what the layers add.
            scale = 10.0 if gemma else config.get("embedding_multiplier", 1.0)
            out[name] = 0.4 * noise / scale
        else:
            # Two of Qwen's small experts add little.
            gain = 3.0 if name.endswith("down_proj.weight") and ".experts." in name else 1.2
            out[name] = gains.get(module, gain) * noise / shape[1] ** 0.5
    return out


# ---- GGUF ----------------------------------------------------------------------------------

OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
MODULES = {
    "input_layernorm": "attn_norm", "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "self_attn.qkv_proj": "attn_qkv",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "mlp.gate_up_proj": "ffn_up", "mlp.gate": "ffn_gate_inp",
    "block_sparse_moe.gate": "ffn_gate_inp",
}  # fmt: skip
EXPERTS = {
    "gate_proj": "ffn_gate_exps", "up_proj": "ffn_up_exps", "down_proj": "ffn_down_exps",
    "w1": "ffn_gate_exps", "w3": "ffn_up_exps", "w2": "ffn_down_exps",
}  # fmt: skip


def gguf_names(weights):
    """Pairs of a GGUF name and the Hugging Face names that it stands for, experts in order."""
    out = {}
    behind = any("post_feedforward_layernorm" in name for name in weights)
    for name in weights:
        base, kind = name.rsplit(".", 1)
        if base in OUTSIDE:
            out[f"{OUTSIDE[base]}.{kind}"] = [name]
            continue
        _, _, layer, module = base.split(".", 3)
        if ".experts." in module:
            out.setdefault(f"blk.{layer}.{EXPERTS[module.split('.')[-1]]}.{kind}", []).append(name)
            continue
        if module == "post_attention_layernorm":
            own = "post_attention_norm" if behind else "ffn_norm"
        else:
            own = MODULES[module]
        out[f"blk.{layer}.{own}.{kind}"] = [name]
    return out


def metadata(name, c, arch):
    """Keys as the converter writes them, without the architecture's name; None is left out."""
    h = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
    meta = {
        "vocab_size": c["vocab_size"],
        "context_length": c["max_position_embeddings"],
        "embedding_length": c["hidden_size"],
        "block_count": c["num_hidden_layers"],
        "feed_forward_length": c["intermediate_size"],
        "attention.head_count": c["num_attention_heads"],
        "attention.head_count_kv": c["num_key_value_heads"],
        "attention.layer_norm_rms_epsilon": c["rms_norm_eps"],
        "rope.freq_base": c["rope_theta"],
        "attention.key_length": c.get("head_dim"),
        "attention.value_length": c.get("head_dim"),
        "rope.dimension_count": int(h * c.get("partial_rotary_factor", 1.0)),
    }
    if name in ("mistral", "gemma2", "gemma3", "phi3"):
        meta["attention.sliding_window"] = c["sliding_window"]
    if name == "gemma2":
        meta["attn_logit_softcapping"] = c["attn_logit_softcapping"]
        meta["final_logit_softcapping"] = c["final_logit_softcapping"]
    if name == "gemma3":
        meta["rope.scaling.type"] = "linear"
        meta["rope.scaling.factor"] = c["rope_scaling"]["factor"]
    if name == "phi3":
        original = c["original_max_position_embeddings"]
        meta["rope.scaling.original_context_length"] = original
        stretch = c["max_position_embeddings"] / original
        factor = math.sqrt(1 + math.log(stretch) / math.log(original))
        meta["rope.scaling.attn_factor"] = factor
    if name == "granite":
        meta["embedding_scale"] = c["embedding_multiplier"]
        meta["residual_scale"] = c["residual_multiplier"]
        meta["attention.scale"] = c["attention_multiplier"]
        meta["logit_scale"] = c["logits_scaling"]
    if name in ("mixtral", "qwen3_moe"):
        meta["expert_count"] = c.get("num_local_experts") or c["num_experts"]
        meta["expert_used_count"] = c["num_experts_per_tok"]
        meta["expert_feed_forward_length"] = c.get("moe_intermediate_size")
    out = {"general.architecture": arch, "general.file_type": GGUF_FILE_TYPES["F16"]}
    out.update({f"{arch}.{k}": v for k, v in meta.items() if v is not None})
    out.update({"tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 1})
    return out


def extra_tensors(name, c):
    if name == "phi3":
        yield "rope_factors_long.weight", torch.tensor(c["rope_scaling"]["long_factor"])
        yield "rope_factors_short.weight", torch.tensor(c["rope_scaling"]["short_factor"])
    if name == "llama":
        plain = Reference({**c, "rope_scaling": None}, {}).freq
        yield "rope_freqs.weight", plain / Reference(c, {}).freq


def write_gguf(path, name, family, c, weights):
    """Writes the file; returns the weights that it holds, under Hugging Face names."""
    arch = family.get("gguf_name", name)
    rows = {"q_proj": c["num_attention_heads"], "k_proj": c["num_key_value_heads"]}
    added = 1.0 if name.startswith("gemma") else 0.0
    infos, data, held = [], b"", {}

    def append(tensor_name, stored, use):
        nonlocal data
        infos.append((tensor_name, stored.shape, use, len(data)))
        blob, _ = quantise(stored, use)
        data += blob + b"\0" * (-len(blob) % 32)

    for gguf_name, names in gguf_names(weights).items():
        parts = []
        for hf in names:
            tensor = weights[hf]
            # Vectors stay F32 as llama.cpp's converter leaves them, routers too.
            use = "F32" if tensor.dim() == 1 or "gate_inp" in gguf_name else "F16"
            if hf.endswith("norm.weight"):
                held[hf] = rounded(tensor + added, use) - added
                tensor = tensor + added
            else:
                held[hf] = quantise(tensor, use)[1]
            module = hf.split(".")[-2]
            if family["permuted"] and module in rows:
                tensor = interleave(tensor, rows[module])
            parts.append(tensor)
        append(gguf_name, torch.stack(parts) if "_exps" in gguf_name else parts[0], use)
    for tensor_name, tensor in extra_tensors(name, with_head(c)):
        append(tensor_name, tensor.to(torch.float64), "F32")
    meta = metadata(name, c, arch)
    write_gguf_file(path, meta, infos, data)
    return held


def to_float32(c):
    """The configuration with its numbers as a GGUF file holds them."""
    return {k: float(np.float32(v)) if isinstance(v, float) else v for k, v in c.items()}


# ---- goldens -------------------------------------------------------------------------------


def walk(model, prompt, count):
    """Greedy continuation of a row with room for `count` tokens, and the logits that chose it."""
    ids, rows = list(prompt), []
    while len(rows) < count:
        if isinstance(model, Reference):
            rows.append(model.dense(ids)[-1])
        else:
            rows.append(model.dense(ids, len(prompt) + count)[-1])
        top = torch.topk(rows[-1], 2).values
        if top[0] - top[1] < MARGIN * top[0].abs() or len(set(ids[-16:])) == 1:
            raise TooClose  # no need to go on
        ids.append(int(rows[-1].argmax()))
    return ids[len(prompt) :], torch.stack(rows)


def masked(model, ids, seed):
    """Logits of a row some of whose tokens skip some layers, as MaskReplay replays it."""
    g = torch.Generator().manual_seed(seed + 3)
    run = torch.rand(model.num_layers, len(ids), generator=g) < 0.6
    if isinstance(model, Reference):
        x, causal = model.embed(ids), torch.ones(len(ids), len(ids)).tril().bool()
        for layer, own in enumerate(run):
            y = model.block(layer, x, causal & (own[None, :] | torch.eye(len(ids)).bool()))
            x = torch.where(own[:, None], y, x)
        rows = model.head(x)
    else:
        rows = model.dense(ids, run=run)
    slots = ["".join("01"[int(e)] for e in slot) for slot in run.T]
    return {"executed": slots, "logits": some_logits([ids], rows)}


def golden(model, config, seed, distinct):
    prompts, out = make_prompts(config, seed, (20, 3, 5)), []
    for prompt, count in zip(prompts, (NEW_TOKENS, NEW_TOKENS, 12)):
        tokens, rows = walk(model, prompt, count)
        check_greedy(tokens, rows, config, 8 if count == NEW_TOKENS else distinct)
        out.append({"ids": prompt, "greedy": tokens})
    logits = some_logits(prompts, model.dense(prompts[0]))
    return {"prompts": out, "logits": logits, "masked": masked(model, prompts[0], seed)}


def full_config(name, family):
    named = {"architectures": [family["type"]], "model_type": family.get("model_type", name)}
    return {**named, **BASE, **family["config"]}


def make_folder(out, name, family, seed):
    config = full_config(name, family)
    weights = make_weights(family["module"].shapes(config), config, seed)
    weights = {k: rounded(w, "BF16") for k, w in weights.items()}
    oracle = family["oracle"](with_head(config), weights)
    part = golden(oracle, config, seed, family.get("distinct", 8))
    folder = f"{out}/{name}-hf"
    write_folder(folder, config, weights, "BF16", 1)
    write_golden(folder, {"model": ".", "family": name, **part})


def with_head(config):
    size = config["hidden_size"] // config["num_attention_heads"]
    return {**config, "head_dim": config.get("head_dim") or size}


def make_gguf(out, name, family, seed):
    config = {**full_config(name, family), **family.get("gguf", {})}
    weights = make_weights(family["module"].shapes(config), config, seed)
    folder = f"{out}/{name}-gguf"
    os.makedirs(folder, exist_ok=True)
    held = write_gguf(f"{folder}/model.gguf", name, family, config, weights)
    oracle = family["oracle"](to_float32(with_head(config)), held)
    part = golden(oracle, config, seed, family.get("distinct", 8))
    write_golden(folder, {"model": "model.gguf", "family": name, **part})


def main():
    home = os.path.dirname(os.path.abspath(__file__))
    resources = os.path.join(home, "../../engine/src/test/resources/families")
    out = os.path.normpath(sys.argv[1] if len(sys.argv) > 1 else resources)
    wanted = sys.argv[2:] or list(FAMILIES)
    torch.set_num_threads(1)
    for number, (name, family) in enumerate(FAMILIES.items()):
        if name not in wanted:
            continue
        for make, form in ((make_folder, "hf"), (make_gguf, "gguf")):
            shutil.rmtree(f"{out}/{name}-{form}", ignore_errors=True)
            for seed in range(1000 * number, 1000 * number + 1000):
                try:
                    make(out, name, family, seed)
                    print(f"{name}-{form}: seed {seed}", flush=True)
                    break
                except TooClose:
                    continue
            else:
                sys.exit(f"{name}-{form}: no seed has the margins")


if __name__ == "__main__":
    main()
