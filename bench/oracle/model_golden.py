"""Makes the golden file of a model: what transformers computes in float32 from the same GGUF file.

    python model_golden.py --gguf smollm2.gguf --style chat --out smollm2-135m.json.gz [--dump DIR] [--steps 64]

For each of the 100 prompts: token ids, the greedy tokens that follow, the gap between the two best logits at each
step, and the logits of 64 vocabulary entries after the prompt and after the last token. With --dump, all float32
logits of the generated positions go to DIR/NNN.f32 for model_compare.py. Needs torch, transformers, gguf, accelerate.
"""

import argparse
import functools
import gzip
import json
import os
import struct

import numpy
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import prompts


@functools.lru_cache
def has_bos(path):
    from gguf import GGUFReader
    field = GGUFReader(path).fields.get("tokenizer.ggml.add_bos_token")
    return bool(field.parts[field.data[0]][0]) if field else False


@functools.lru_cache
def bos_id(path):
    from gguf import GGUFReader
    field = GGUFReader(path).fields["tokenizer.ggml.bos_token_id"]
    return int(field.parts[field.data[0]][0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--style", choices=["chat", "text"], required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--dump")
    parser.add_argument("--steps", type=int, default=64)
    parser.add_argument("--dump-steps", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    folder, name = os.path.split(os.path.realpath(options.gguf))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    model.eval()
    texts = prompts.chat_prompts() if options.style == "chat" else prompts.text_prompts()
    if options.dump:
        os.makedirs(options.dump, exist_ok=True)
    groups = {}
    for number, text in enumerate(texts):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        if has_bos(options.gguf) and (not ids or ids[0] != bos_id(options.gguf)):
            ids = [bos_id(options.gguf)] + ids
        groups.setdefault(len(ids), []).append((number, ids))
    cases = {}
    for group in groups.values():
        for start in range(0, len(group), 8):
            cases.update(run(model, group[start: start + 8], options))
            print(f"{len(cases)} of {len(texts)}", flush=True)
    with gzip.open(options.out, "wt") as out:
        json.dump({"gguf": name, "style": options.style, "cases": [cases[i] for i in sorted(cases)]}, out)


@torch.no_grad()
def run(model, group, options):
    """Greedy tokens of prompts of one length, together: no padding, so nothing is masked."""
    numbers = [number for number, _ in group]
    size = len(group)
    produced, gaps, rows = [[] for _ in group], [[] for _ in group], [[] for _ in group]
    result = model(torch.tensor([ids for _, ids in group]), use_cache=True, logits_to_keep=1)
    logits = result.logits[:, -1].numpy().astype(numpy.float32)
    first = logits
    while True:
        for i in range(size):
            row = logits[i]
            if len(rows[i]) < options.dump_steps and options.dump:
                rows[i].append(row)
            best = sorted(numpy.argpartition(-row, 2)[:2].tolist(), key=lambda j: (-row[j], j))
            produced[i].append(int(numpy.argmax(row)))
            gaps[i].append(round(float(row[best[0]] - row[best[1]]), 6))
        if len(produced[0]) == options.steps:
            break
        last = torch.tensor([[tokens[-1]] for tokens in produced])
        result = model(last, past_key_values=result.past_key_values, use_cache=True)
        logits = result.logits[:, -1].numpy().astype(numpy.float32)
    if options.dump:
        for i, number in enumerate(numbers):
            numpy.stack(rows[i]).tofile(os.path.join(options.dump, f"{number:03d}.f32"))
    return {
        number: {"prompt": ids, "tokens": produced[i], "gaps": gaps[i],
                 "first": sample(first[i]), "last": sample(logits[i])}
        for i, (number, ids) in enumerate(group)
    }


def sample(logits):
    """The 16 best entries and 48 spread over the vocabulary: [id, logit]."""
    chosen = numpy.argsort(-logits, kind="stable")[:16].tolist()
    chosen += [int(i) for i in numpy.linspace(0, len(logits) - 1, 48)]
    return [[i, struct.unpack("f", struct.pack("f", float(logits[i])))[0]] for i in chosen]


if __name__ == "__main__":
    main()
