"""Speed of llama.cpp on one GGUF file, as JSON on stdout. Needs llama-cpp-python.

    python llama_speed.py --gguf FILE --threads 2 --prefill 512 --decode 64 --runs 5

The same work as Baton's: a prompt of random tokens is evaluated in one call (prefill), then tokens are decoded one by
one (decode). Also the time of `create_completion`'s first token for a text prompt is not used: only the engine is measured.
"""

import argparse
import json
import random
import time

import llama_cpp
from llama_cpp import Llama


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    model = Llama(options.gguf, n_ctx=options.prefill + options.decode + 64, n_threads=options.threads,
                  n_threads_batch=options.threads, n_batch=512, verbose=False)
    source = random.Random(7)
    prefill, decode = [], []
    for run in range(options.runs + 1):
        tokens = [source.randrange(300, 20000) for _ in range(options.prefill)]
        model.reset()
        begin = time.perf_counter()
        model.eval(tokens)
        middle = time.perf_counter()
        for _ in range(options.decode):
            model.eval([source.randrange(300, 20000)])
        end = time.perf_counter()
        if run > 0:
            prefill.append(options.prefill / (middle - begin))
            decode.append(options.decode / (end - middle))
    print(json.dumps({"version": llama_cpp.__version__, "prefill": prefill, "decode": decode}))


if __name__ == "__main__":
    main()
