"""Cuts a text into cases for perplexity and computes float32 logits of them with transformers.

    python perplexity_cases.py --gguf FILE --text FILE --out text.json.gz --dump DIR [--window 512] [--windows 2]

Each window of the text is one case: its first token is the prompt, the others are the tokens to predict.
"""

import argparse
import gzip
import json
import os

import numpy
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import model_golden


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser()
    for name in ("--gguf", "--text", "--out", "--dump"):
        parser.add_argument(name, required=True)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--windows", type=int, default=2)
    options = parser.parse_args()
    folder, name = os.path.split(os.path.realpath(options.gguf))
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32).eval()
    with open(options.text, encoding="utf-8") as source:
        ids = tokenizer(source.read(), add_special_tokens=False).input_ids
    prefix = [model_golden.bos_id(options.gguf)] if model_golden.has_bos(options.gguf) else []
    os.makedirs(options.dump, exist_ok=True)
    cases = []
    for number in range(options.windows):
        part = ids[number * options.window: (number + 1) * options.window]
        if len(part) < options.window:
            break
        prompt, tokens = (prefix, part) if prefix else (part[:1], part[1:])
        logits = model(torch.tensor([prompt + tokens[:-1]])).logits[0].numpy().astype(numpy.float32)
        logits[len(prompt) - 1:].tofile(os.path.join(options.dump, f"{number:03d}.f32"))
        cases.append({"prompt": prompt, "tokens": tokens})
    with gzip.open(options.out, "wt") as out:
        json.dump({"gguf": name, "style": "perplexity", "cases": cases}, out)


if __name__ == "__main__":
    main()
