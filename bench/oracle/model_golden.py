"""Makes the golden file of a model: what transformers computes in float32 from the same GGUF file.

    python model_golden.py --gguf smollm2.gguf --style chat --out smollm2-135m.json.gz [--dump DIR] [--steps 64]

For each of the 100 prompts: token ids, the greedy tokens that follow, the gap between the two best logits at each
step, and the logits of 64 vocabulary entries after the prompt and after the last token. With --dump, all float32
logits of the generated positions go to DIR/NNN.f32 for model_compare.py. Needs torch, transformers, gguf, accelerate.
"""

import argparse
import gzip
import json
import os
import struct

import numpy
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import prompts


def has_bos(path):
    from gguf import GGUFReader
    field = GGUFReader(path).fields.get("tokenizer.ggml.add_bos_token")
    return bool(field.parts[field.data[0]][0]) if field else False


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
    cases = []
    if options.dump:
        os.makedirs(options.dump, exist_ok=True)
    for number, text in enumerate(texts):
        ids = tokenizer(text, add_special_tokens=False).input_ids
        if has_bos(options.gguf) and (not ids or ids[0] != bos_id(options.gguf)):
            ids = [bos_id(options.gguf)] + ids
        cases.append(run(model, ids, number, options))
        if number % 10 == 9:
            print(f"{number + 1} of {len(texts)}", flush=True)
    with gzip.open(options.out, "wt") as out:
        json.dump({"gguf": name, "style": options.style, "cases": cases}, out)


@torch.no_grad()
def run(model, ids, number, options):
    produced, gaps, rows = [], [], []
    result = model(torch.tensor([ids]), use_cache=True, logits_to_keep=1)
    first = result.logits[0, -1].numpy().astype(numpy.float32)
    logits = first
    while True:
        if len(rows) < options.dump_steps:
            rows.append(logits)
        best = numpy.argpartition(-logits, 2)[:2]
        best = sorted(best.tolist(), key=lambda i: (-logits[i], i))
        produced.append(int(numpy.argmax(logits)))
        gaps.append(round(float(logits[best[0]] - logits[best[1]]), 6))
        if len(produced) == options.steps:
            break
        result = model(torch.tensor([[produced[-1]]]), past_key_values=result.past_key_values, use_cache=True)
        logits = result.logits[0, -1].numpy().astype(numpy.float32)
    if options.dump:
        numpy.stack(rows).tofile(os.path.join(options.dump, f"{number:03d}.f32"))
    return {"prompt": ids, "tokens": produced, "gaps": gaps, "first": sample(first), "last": sample(logits)}


def sample(logits):
    """The 16 best entries and 48 spread over the vocabulary: [id, logit]."""
    chosen = numpy.argsort(-logits, kind="stable")[:16].tolist()
    chosen += [int(i) for i in numpy.linspace(0, len(logits) - 1, 48)]
    return [[i, struct.unpack("f", struct.pack("f", float(logits[i])))[0]] for i in chosen]


if __name__ == "__main__":
    main()
