"""Makes the golden file of the model families: logits of tiny random checkpoints by transformers in float32.

    python family_golden.py --out ../../engine/src/test/resources/golden/families.json.gz

Weights are no file: both sides compute them. Element i of tensor NAME is offset + scale * u, all in float32, where
u = 2 r - 1, r = the upper 24 bits of splitmix64(fnv1a64(NAME) + i * 0x9E3779B97F4A7C15) / 2^24. The golden file holds
each case's config.json, tensor names with shape, scale and offset, token ids, and the logits at some positions
(base64 of float32, little-endian). Needs torch and transformers.
"""

import argparse
import base64
import gzip
import json
import math

import numpy
import torch
from transformers import (Gemma2Config, Gemma3TextConfig, LlamaConfig, MistralConfig, Phi3Config, Qwen2Config,
                          Qwen3Config, AutoModelForCausalLM)

VOCAB = 448
GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1
SHAPE = dict(vocab_size=VOCAB, hidden_size=64, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1, eos_token_id=2,
             pad_token_id=0)


def shape(**changes):
    return {**SHAPE, **changes}


def longrope(half, short=1.0):
    return dict(rope_type="longrope", short_factor=[short + 0.03 * i for i in range(half)],
                long_factor=[1.5 + 0.4 * i for i in range(half)], rope_theta=10000.0)


CASES = {
    "llama": (LlamaConfig(**shape(tie_word_embeddings=False)), 48),
    "llama-llama3": (LlamaConfig(**shape(tie_word_embeddings=True), rope_parameters=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, rope_theta=500000.0,
        original_max_position_embeddings=32)), 48),
    "llama-linear": (LlamaConfig(**shape(tie_word_embeddings=False), rope_parameters=dict(
        rope_type="linear", factor=2.5, rope_theta=10000.0)), 48),
    "qwen2": (Qwen2Config(**shape(tie_word_embeddings=False, num_key_value_heads=1), rope_theta=1e6), 48),
    "qwen2-yarn": (Qwen2Config(**shape(tie_word_embeddings=True), rope_parameters=dict(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=16, rope_theta=1000.0)), 48),
    "qwen2-window": (Qwen2Config(**shape(tie_word_embeddings=False), use_sliding_window=True, sliding_window=7,
                                 max_window_layers=1), 48),
    "qwen3": (Qwen3Config(**shape(tie_word_embeddings=True, head_dim=32), rope_theta=1e6), 48),
    "mistral": (MistralConfig(**shape(tie_word_embeddings=False, head_dim=24), sliding_window=12), 48),
    "gemma2": (Gemma2Config(**shape(head_dim=20), sliding_window=9, query_pre_attn_scalar=11,
                            attn_logit_softcapping=3.0, final_logit_softcapping=5.0), 48),
    "gemma3": (Gemma3TextConfig(**shape(head_dim=20), sliding_window=9, query_pre_attn_scalar=20,
                                layer_types=["sliding_attention", "sliding_attention", "full_attention"]), 48),
    "phi3": (Phi3Config(**shape(tie_word_embeddings=False), sliding_window=13), 48),
    "phi3-longrope-short": (Phi3Config(**shape(tie_word_embeddings=False), original_max_position_embeddings=16,
                                       rope_parameters=longrope(8)), 14),
    "phi3-longrope-long": (Phi3Config(**shape(tie_word_embeddings=True, num_attention_heads=2),
                                      original_max_position_embeddings=16,
                                      rope_parameters=dict(longrope(12), partial_rotary_factor=0.75)), 48),
}


def values(name, count, scale, offset):
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) & MASK
    with numpy.errstate(over="ignore"):
        z = numpy.uint64(seed) + numpy.arange(count, dtype=numpy.uint64) * numpy.uint64(GOLDEN)
        z = (z ^ (z >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
        z = z ^ (z >> numpy.uint64(31))
    unit = (z >> numpy.uint64(40)).astype(numpy.float32) * numpy.float32(2.0 ** -23) - numpy.float32(1)
    return numpy.float32(offset) + numpy.float32(scale) * unit


def scale_of(name, dims, gemma):
    if "norm" in name:
        return 0.3, 0.0 if gemma else 1.0
    if name.endswith("bias"):
        return 0.5, 0.0
    if "embed_tokens" in name:
        return (0.2 if gemma else 1.0), 0.0
    return float(numpy.float32(2.0 / math.sqrt(dims[-1]))), 0.0


@torch.no_grad()
def run(name, config, length):
    config.use_cache = False
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager").eval()
    gemma = config.model_type.startswith("gemma")
    state, tensors = {}, []
    for key, tensor in model.state_dict().items():
        if key == "lm_head.weight" and config.tie_word_embeddings:
            continue
        dims = list(tensor.shape)
        scale, offset = scale_of(key, dims, gemma)
        state[key] = torch.from_numpy(values(key, tensor.numel(), scale, offset).reshape(dims))
        tensors.append([key, dims, float(numpy.float32(scale)), offset])
    model.load_state_dict(state, strict=False)
    model.tie_weights()
    tokens = [(37 * i * i + 11 * i + 5) % VOCAB for i in range(length)]
    positions = sorted({0, length // 3, length - 1})
    logits = model(torch.tensor([tokens])).logits[0].numpy().astype("<f4")
    print(name, "largest logit", float(numpy.abs(logits).max()), "spread", float(logits[-1].std()))
    return {"name": name, "config": json.loads(config.to_json_string()), "tensors": tensors, "tokens": tokens,
            "positions": positions,
            "logits": [base64.b64encode(logits[p].tobytes()).decode() for p in positions]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cases = [run(name, *case) for name, case in CASES.items()]
    with open(options.out, "wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="") as out:
        out.write(json.dumps({"cases": cases}).encode())


if __name__ == "__main__":
    main()
