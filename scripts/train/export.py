"""Writes the trained model as a Hugging Face folder, and depth artefacts next to it."""

import argparse
import hashlib
import json
import os
import shutil

import torch

import bpe
import model as mdl


def dump(path, value):
    with open(path + ".tmp", "w", encoding="utf-8") as f:
        json.dump(value, f, indent=2)
        f.write("\n")
    os.replace(path + ".tmp", path)


def sha256(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()


def export_base(checkpoint, tokenizer, folder):
    saved = torch.load(checkpoint)
    s = mdl.Shape(**saved["shape"])
    os.makedirs(folder, exist_ok=True)
    target = os.path.join(folder, "model.safetensors")
    mdl.save(target + ".tmp", saved["weights"], "F16", {"format": "pt"})
    os.replace(target + ".tmp", target)
    if os.path.abspath(tokenizer) != os.path.abspath(os.path.join(folder, "tokenizer.json")):
        shutil.copyfile(tokenizer, os.path.join(folder, "tokenizer.json"))
    special = {"bos_token_id": bpe.MAIL, "eos_token_id": bpe.END, "pad_token_id": bpe.PAD}
    dump(
        os.path.join(folder, "config.json"),
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": s.vocab,
            "hidden_size": s.d,
            "num_hidden_layers": s.layers,
            "num_attention_heads": s.heads,
            "num_key_value_heads": s.kv_heads,
            "head_dim": s.head_dim,
            "intermediate_size": s.ff,
            "hidden_act": "silu",
            "max_position_embeddings": s.context,
            "rms_norm_eps": s.eps,
            "rope_theta": s.theta,
            "rope_scaling": None,
            "attention_bias": False,
            "mlp_bias": False,
            "tie_word_embeddings": True,
            "torch_dtype": "float16",
            **special,
        },
    )
    dump(
        os.path.join(folder, "generation_config.json"),
        {"do_sample": False, "max_new_tokens": 96, **special},
    )
    dump(
        os.path.join(folder, "tokenizer_config.json"),
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": False,
            "add_eos_token": False,
            "clean_up_tokenization_spaces": False,
            "model_max_length": s.context,
            "bos_token": "<|mail|>",
            "eos_token": "<|end|>",
            "pad_token": "<|pad|>",
            "added_tokens_decoder": {
                str(i): {
                    "content": t, "lstrip": False, "normalized": False, "rstrip": False,
                    "single_word": False, "special": True,
                }
                for i, t in enumerate(bpe.SPECIALS)
            },
            "chat_template": bpe.CHAT_TEMPLATE,
        },
    )  # fmt: skip


def open_base(folder):
    """Shape and fp32 weights of an exported folder."""
    c = json.load(open(os.path.join(folder, "config.json"), encoding="utf-8"))
    shape = mdl.Shape(
        c["vocab_size"], c["hidden_size"], c["num_hidden_layers"], c["num_attention_heads"],
        c["num_key_value_heads"], c["head_dim"], c["intermediate_size"], c["rms_norm_eps"],
        c["rope_theta"], c["max_position_embeddings"],
    )  # fmt: skip
    return shape, mdl.load(os.path.join(folder, "model.safetensors"))


def lora_tensors(lora):
    out = {}
    for (layer, key), (a, b) in lora.items():
        out[f"layers.{layer}.{key}.lora_a"], out[f"layers.{layer}.{key}.lora_b"] = a, b
    return out


def export_depth(folder, kind, depth, lora, extra):
    """Writes depth/<kind>; `extra` holds thresholds, quality and recipe."""
    model, s = depth.model, depth.model.shape
    target = os.path.join(folder, "depth", kind)
    os.makedirs(target, exist_ok=True)
    tensors = {**depth.gates, **lora_tensors(lora)}
    mdl.save(os.path.join(target, "depth.safetensors.tmp"), tensors, "F32", {"format": "pt"})
    meta = {"version": 1, "policy": kind, "num_layers": s.layers, "hidden_size": s.d}
    if kind == "dllm":
        meta["router_hidden_size"] = depth.h
    if kind == "static":
        meta["keep"] = list(depth.keep)
    else:
        meta["first_gated_layer"] = depth.start
        meta["reserved_positions"] = depth.reserve
    if kind == "random":
        meta["rates"] = [round(float(r), 4) for r in depth.rates]
    meta["rms_norm_eps"] = s.eps
    rank = next(iter(lora.values()))[0].shape[0]
    meta["lora"] = {"rank": rank, "targets": ["q_proj", "k_proj", "v_proj"]}
    meta["model_sha256"] = sha256(os.path.join(folder, "model.safetensors"))
    meta["tokenizer_sha256"] = sha256(os.path.join(folder, "tokenizer.json"))
    meta.update(extra)
    os.replace(
        os.path.join(target, "depth.safetensors.tmp"), os.path.join(target, "depth.safetensors")
    )
    dump(os.path.join(target, "depth.json"), meta)


def new_lora(shape, rank, seed):
    g = torch.Generator().manual_seed(seed)
    q, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    return {
        (i, key): (torch.randn(rank, shape.d, generator=g) * rank**-0.5, torch.zeros(out, rank))
        for i in range(shape.layers)
        for key, out in (("q_proj", q), ("k_proj", kv), ("v_proj", kv))
    }


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("checkpoint")
    p.add_argument("tokenizer")
    p.add_argument("folder")
    p.add_argument("--placeholder-depth", action="store_true", help="also write untrained artefacts")
    a = p.parse_args()
    export_base(a.checkpoint, a.tokenizer, a.folder)
    if a.placeholder_depth:
        shape, weights = open_base(a.folder)
        model = mdl.Model(shape, weights)
        note = {"trained": {"note": "placeholder, not trained"}}
        grid = {k: 0.0 for k in ("default", "0.50", "0.55", "0.60")}
        thresholds = {"thresholds": grid, "default_budget": "0.55"}
        lora = new_lora(shape, 32, 1)
        export_depth(a.folder, "dllm", mdl.Depth(model, "dllm"), lora, {**thresholds, **note})
        rates = [1.0, 1.0] + [0.46] * (shape.layers - 2)
        export_depth(a.folder, "random", mdl.Depth(model, "random", rates=rates), lora, note)
        keep = [0, 1, 3, 5, 7, 9, 11]
        export_depth(a.folder, "static", mdl.Depth(model, "static", keep=keep), lora, note)


if __name__ == "__main__":
    main()
