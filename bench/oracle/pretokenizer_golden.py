#!/usr/bin/env python3
"""Forces each pre-tokenizer name onto one vocabulary file and writes llama.cpp's ids.

    python bench/oracle/pretokenizer_golden.py --vocab ggml-vocab-gpt-2.gguf --out FOLDER NAME...

For each name FOLDER gets ggml-vocab-NAME.gguf and ggml-vocab-NAME.gguf.jsonl with one
["text", [ids]] a line; VocabFilesTest reads them (see vocab_files.md). Each name runs in a process
of its own: a name that does not fit the vocabulary can abort llama.cpp.
"""

import argparse
import json
import pathlib
import random
import struct
import subprocess
import sys

import tokenizer_golden

SPECIALS = ["<|endoftext|>", "<|im_start|>", "IMGIMGABZ", "<sentinel:1>"]
KEY = b"tokenizer.ggml.pre"


def with_name(data, name):
    """The file with another value of KEY; a vocabulary file has no tensors that would move."""
    at = data.index(struct.pack("<Q", len(KEY)) + KEY) + 8 + len(KEY)
    (kind,) = struct.unpack_from("<I", data, at)
    if kind != 8:
        sys.exit(f"{KEY} is no string")
    (length,) = struct.unpack_from("<Q", data, at + 4)
    return data[: at + 4] + struct.pack("<Q", len(name)) + name + data[at + 12 + length :]


def write_ids(file, count, seed):
    model = tokenizer_golden.Model(str(file))
    rng = random.Random(seed)
    texts = list(tokenizer_golden.HAND)
    while len(texts) < count:
        texts.append(tokenizer_golden.generate(rng, SPECIALS))
    with open(f"{file}.jsonl", "w", encoding="utf-8") as out:
        for text in texts:
            out.write(json.dumps([text, model.ids(text, False)]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocab", help="byte-level BPE vocabulary file with a tokenizer.ggml.pre")
    parser.add_argument("--out", type=pathlib.Path, help="folder to write to")
    parser.add_argument("--texts", type=int, default=600, help="texts a name (default %(default)s)")
    parser.add_argument("--seed", type=int, default=5, help="(default %(default)s)")
    parser.add_argument("--ids-of", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    if args.ids_of:
        write_ids(args.ids_of, args.texts, args.seed)
        return
    data = pathlib.Path(args.vocab).read_bytes()
    args.out.mkdir(parents=True, exist_ok=True)
    for name in args.names:
        file = args.out / f"ggml-vocab-{name}.gguf"
        file.write_bytes(with_name(data, name.encode()))
        command = [sys.executable, __file__, "--ids-of", file, "--texts", str(args.texts), "--seed", str(args.seed)]
        done = subprocess.run(command, capture_output=True, text=True)
        print(name, "ok" if done.returncode == 0 else f"failed: {done.stderr[-300:]}")


if __name__ == "__main__":
    main()
