"""How near Baton's fast kernels and llama.cpp are to float32: KL, top-1, perplexity, on the same tokens in one run.

    python model_compare.py --cases smollm2-135m.json.gz --gguf FILE --ref DIR --ours DIR [--limit 100]
    python model_compare.py --perplexity text.json.gz --gguf FILE --ref DIR --ours DIR

--ref and --ours hold NNN.f32: float32 logits [steps, vocab] of the positions that produce each case's tokens, as written by
model_golden.py --dump and by `baton bench logits`. llama.cpp computes its own here. All three see the same tokens
(teacher forcing). KL is KL(float32 || other), in nats, mean over positions; the interval is a paired bootstrap over cases.
Needs numpy and llama-cpp-python.
"""

import argparse
import gzip
import json
import os
import platform
import subprocess

import llama_cpp
import numpy
from llama_cpp import Llama


def log_softmax(rows):
    rows = rows.astype(numpy.float64)
    rows = rows - rows.max(axis=1, keepdims=True)
    return rows - numpy.log(numpy.exp(rows).sum(axis=1, keepdims=True))


def kl(reference, other):
    return (numpy.exp(reference) * (reference - other)).sum(axis=1)


def peer_rows(model, case, steps):
    prompt, tokens = case["prompt"], case["tokens"]
    model.reset()
    model.eval(prompt + tokens[: steps - 1])
    first = len(prompt) - 1
    return numpy.array(model.scores[first: first + steps], dtype=numpy.float32)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases")
    parser.add_argument("--perplexity")
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--ref", required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--limit", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out")
    options = parser.parse_args()
    with gzip.open(options.cases or options.perplexity, "rt") as source:
        cases = json.load(source)["cases"][: options.limit]
    longest = max(len(case["prompt"]) + len(case["tokens"]) for case in cases)
    model = Llama(options.gguf, n_ctx=longest + 8, n_batch=512, n_threads=options.threads,
                  n_threads_batch=options.threads, logits_all=True, verbose=False)
    result = perplexity(model, cases, options) if options.perplexity else divergence(model, cases, options)
    result.update(llama_cpp=llama_cpp.__version__, commit=commit(), machine=platform.machine(), cpus=os.cpu_count())
    print(json.dumps(result, indent=1))
    if options.out:
        with open(options.out, "w") as out:
            json.dump(result, out)


def commit():
    here = os.path.dirname(os.path.abspath(__file__))
    try:
        return subprocess.run(["git", "-C", here, "rev-parse", "--short", "HEAD"],
                              capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def load(folder, number, vocab):
    return numpy.fromfile(os.path.join(folder, f"{number:03d}.f32"), dtype=numpy.float32).reshape(-1, vocab)


def divergence(model, cases, options):
    vocab = model.n_vocab()
    ours_kl, peer_kl, ours_top, peer_top, ours_gaps, peer_gaps = [], [], [], [], [], []
    for number, case in enumerate(cases):
        reference_raw = load(options.ref, number, vocab)
        ours_raw = load(options.ours, number, vocab)
        steps = min(len(reference_raw), len(ours_raw), len(case["tokens"]))
        peer_raw = peer_rows(model, case, steps)
        reference = log_softmax(reference_raw[:steps])
        ours_kl.append(kl(reference, log_softmax(ours_raw[:steps])).mean())
        peer_kl.append(kl(reference, log_softmax(peer_raw)).mean())
        best = reference_raw[:steps].argmax(axis=1)
        for raw, top, gaps in ((ours_raw[:steps], ours_top, ours_gaps), (peer_raw, peer_top, peer_gaps)):
            same = raw.argmax(axis=1) == best
            top.append(same.mean())
            if not same.all():
                at = int(numpy.argmin(same))
                row = numpy.sort(reference_raw[at])
                gaps.append(float(row[-1] - row[-2]))
    ours, peer = numpy.array(ours_kl), numpy.array(peer_kl)
    source = numpy.random.default_rng(1)
    ratios = []
    for _ in range(2000):
        pick = source.integers(0, len(ours), len(ours))
        ratios.append(ours[pick].mean() / peer[pick].mean())
    low, high = numpy.percentile(ratios, [2.5, 97.5])
    return {
        "cases": len(ours), "kl_ours": ours.mean(), "kl_llama": peer.mean(), "ratio": ours.mean() / peer.mean(),
        "ratio_lo": low, "ratio_hi": high, "pass_kl": bool(high <= 1.1),
        "top1_ours": float(numpy.mean(ours_top)), "top1_llama": float(numpy.mean(peer_top)),
        "parted_ours": len(ours_gaps), "parted_llama": len(peer_gaps),
        "gap_max_ours": max(ours_gaps, default=0.0), "gap_max_llama": max(peer_gaps, default=0.0),
        "gaps_ours": sorted(round(gap, 4) for gap in ours_gaps), "pass_gap": bool(max(ours_gaps, default=0.0) <= 0.3),
    }


def perplexity(model, cases, options):
    vocab = model.n_vocab()
    total = {"float32": 0.0, "ours": 0.0, "llama": 0.0}
    count = 0
    for number, case in enumerate(cases):
        reference = load(options.ref, number, vocab)
        ours = load(options.ours, number, vocab)
        steps = min(len(reference), len(ours), len(case["tokens"]))
        targets = numpy.array(case["tokens"][:steps])
        peer = peer_rows(model, case, steps)
        for name, raw in (("float32", reference[:steps]), ("ours", ours[:steps]), ("llama", peer)):
            total[name] -= log_softmax(raw)[numpy.arange(steps), targets].sum()
        count += steps
    values = {name: float(numpy.exp(value / count)) for name, value in total.items()}
    values["tokens"] = count
    values["pass"] = abs(values["ours"] - values["float32"]) <= abs(values["llama"] - values["float32"])
    return values


if __name__ == "__main__":
    main()
