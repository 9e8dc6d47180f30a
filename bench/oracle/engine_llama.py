"""llama.cpp's bare engine as a subject of `baton bench engine`: JSON lines in, JSON lines out.

    python engine_llama.py --flavour llama|node|ik --gguf FILE --threads N [--lib FOLDER] [--flash auto|on|off]

llama: the library of llama-cpp-python. node: the prebuilt libraries of node-llama-cpp in --lib, through the structures
of a llama-cpp-python of the same llama.cpp release. ik: ik_llama.cpp, through ik-llama-cpp-python. One llama_decode call
a step (prefill: of at most 512 tokens), nothing is sampled: the same work as Baton's subject does.
"""

import argparse
import ctypes
import importlib.util
import json
import os
import random
import resource
import sys
import tempfile
import time
import types
from pathlib import Path

STEP = 512


class Llama:
    """llama.cpp by its C API: contexts by number of sequences, made when first needed."""

    def __init__(self, options):
        self.options = options
        self.contexts = {}
        self.pools = {}
        self.filled = {}
        self.source = random.Random(7)
        self.api = self.load_api()
        self.lib.llama_synchronize.argtypes = [ctypes.c_void_p]
        # Some builds log every node of every graph, which takes hundreds of milliseconds a step. Any C function that
        # does nothing with its arguments keeps them quiet.
        quiet = ctypes.cast(ctypes.CDLL(None).labs, ctypes.c_void_p)
        self.lib.llama_log_set.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self.lib.llama_log_set(quiet, None)
        self.api.llama_backend_init()
        params = self.api.llama_model_default_params()
        self.model = self.api.llama_model_load_from_file(options.gguf.encode(), params)
        if not self.model:
            raise SystemExit("the model was not loaded")
        vocab = self.api.llama_model_get_vocab(self.model)
        self.vocab = self.api.llama_vocab_n_tokens(vocab)

    def load_api(self):
        if self.options.flavour == "ik":
            import ik_llama_cpp._ctypes_api as api
            self.lib = api._lib
            self.version = "ik_llama.cpp (ik-llama-cpp-python %s)" % package("ik-llama-cpp-python")
            return api
        if self.options.flavour == "node":
            folder = Path(self.options.lib).resolve()
            real = next(folder.glob("libllama.v*.so"))
            linked = Path(tempfile.mkdtemp(prefix="engine-llama-"))
            (linked / "libllama.so").symlink_to(real)
            os.environ["LLAMA_CPP_LIB_PATH"] = str(linked)
            ggml = ctypes.CDLL(str(next(folder.glob("libggml.v*.so"))), mode=ctypes.RTLD_GLOBAL)
            ggml.ggml_backend_load_all_from_path.argtypes = [ctypes.c_char_p]
            ggml.ggml_backend_load_all_from_path(str(folder).encode())
            tolerate_missing_functions()
            import llama_cpp.llama_cpp as api
            (linked / "libllama.so").unlink()
            linked.rmdir()
            meta = json.loads((folder / "_nlcBuildMetadata.json").read_text())
            self.version = "node-llama-cpp's llama.cpp %s" % meta["buildOptions"]["llamaCpp"]["release"]
            self.ggml = ggml
        else:
            import llama_cpp.llama_cpp as api
            self.ggml = None
            self.version = "llama-cpp-python %s" % package("llama-cpp-python")
        self.lib = api._lib
        defaults = api.llama_context_default_params()
        # A wrong layout of the structure would show here.
        if (defaults.n_batch, defaults.n_ubatch, defaults.type_k, defaults.type_v) != (2048, 512, 1, 1):
            raise SystemExit("this library's llama_context_params have another layout")
        return api

    def context(self, sequences, positions):
        key = sequences
        if key in self.contexts:
            return self.contexts[key]
        params = self.api.llama_context_default_params()
        params.n_ctx = sequences * ((positions + 255) // 256 * 256)
        params.n_batch = STEP
        params.n_ubatch = STEP
        params.n_seq_max = sequences
        params.n_threads = self.options.threads
        params.n_threads_batch = self.options.threads
        flash = {"auto": -1, "on": 1, "off": 0}[self.options.flash]
        if self.options.flavour == "ik":
            params.flash_attn = flash != 0
        else:
            params.flash_attn_type = flash
        context = self.api.llama_init_from_model(self.model, params)
        if not context:
            raise SystemExit("no context for %d sequences" % sequences)
        self.contexts[key] = context
        if self.options.flavour == "node" and self.options.threads > 1:
            self.attach_pool(context)
        return context

    def attach_pool(self, context):
        """A build without OpenMP starts threads for every call unless it is given a pool."""
        self.ggml.ggml_backend_dev_by_type.restype = ctypes.c_void_p
        device = self.ggml.ggml_backend_dev_by_type(0)
        base = self.ggml
        base.ggml_backend_dev_backend_reg.restype = ctypes.c_void_p
        base.ggml_backend_dev_backend_reg.argtypes = [ctypes.c_void_p]
        base.ggml_backend_reg_get_proc_address.restype = ctypes.c_void_p
        base.ggml_backend_reg_get_proc_address.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        registry = base.ggml_backend_dev_backend_reg(device)
        new = base.ggml_backend_reg_get_proc_address(registry, b"ggml_threadpool_new")
        params = (ctypes.c_uint8 * 1024)()
        base.ggml_threadpool_params_init(ctypes.byref(params), ctypes.c_int(self.options.threads))
        pool = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p)(new)(ctypes.addressof(params))
        self.lib.llama_attach_threadpool.argtypes = [ctypes.c_void_p] * 3
        self.lib.llama_attach_threadpool(context, pool, None)
        pause = base.ggml_backend_reg_get_proc_address(registry, b"ggml_threadpool_pause")
        self.pools[context] = (pool, ctypes.CFUNCTYPE(None, ctypes.c_void_p)(pause) if pause else None)

    def rest(self):
        for pool, pause in self.pools.values():
            if pause:
                pause(pool)

    def forget(self, context, sequence, first):
        if self.options.flavour == "ik":
            self.lib.llama_kv_cache_seq_rm.argtypes = [ctypes.c_void_p] + [ctypes.c_int32] * 3
            self.lib.llama_kv_cache_seq_rm(context, sequence, first, -1)
        else:
            self.api.llama_memory_seq_rm(self.api.llama_get_memory(context), sequence, first, -1)

    def run(self, context, rows):
        """rows: (token, position, sequence, wants logits)"""
        n = len(rows)
        batch = self.api.llama_batch()
        batch.n_tokens = n
        batch.token = (ctypes.c_int32 * n)(*[r[0] for r in rows])
        batch.pos = (ctypes.c_int32 * n)(*[r[1] for r in rows])
        batch.n_seq_id = (ctypes.c_int32 * n)(*[1] * n)
        ids = [(ctypes.c_int32 * 1)(r[2]) for r in rows]
        pointers = (ctypes.POINTER(ctypes.c_int32) * n)(*[ctypes.cast(i, ctypes.POINTER(ctypes.c_int32)) for i in ids])
        batch.seq_id = pointers
        batch.logits = (ctypes.c_int8 * n)(*[1 if r[3] else 0 for r in rows])
        # Filling the batch is Python's time, not llama.cpp's.
        begin, cpu = time.perf_counter(), time.process_time()
        status = self.lib.llama_decode(context, batch)
        self.lib.llama_synchronize(context)
        if status != 0:
            raise SystemExit("llama_decode gave %d" % status)
        return time.perf_counter() - begin, time.process_time() - cpu

    def random_token(self):
        return self.source.randrange(self.vocab)

    def fill(self, context, sequence, tokens):
        seconds = cpu = 0.0
        for first in range(0, len(tokens), STEP):
            part = tokens[first:first + STEP]
            rows = [(t, first + i, sequence, first + i == len(tokens) - 1) for i, t in enumerate(part)]
            took = self.run(context, rows)
            seconds, cpu = seconds + took[0], cpu + took[1]
        return seconds, cpu

    def prefill(self, tokens):
        context = self.context(1, self.options.max_prefill + 64)
        self.forget(context, 0, 0)
        seconds, cpu = self.fill(context, 0, [self.random_token() for _ in range(tokens)])
        self.filled.pop(1, None)
        return {"seconds": seconds, "cpuSeconds": cpu, "tokens": tokens}

    def decode(self, batch, depth, min_steps, max_steps, budget):
        context = self.context(batch, self.options.max_prefill + 64 if batch == 1 else depth + max_steps + 16)
        if self.filled.get(batch) != depth:
            for sequence in range(batch):
                self.forget(context, sequence, 0)
                self.fill(context, sequence, [self.random_token() for _ in range(depth)])
            self.filled[batch] = depth
        seconds = cpu = 0.0
        steps = 0
        while steps < min_steps or (steps < max_steps and seconds < budget):
            took = self.run(context, [(self.random_token(), depth + steps, s, True) for s in range(batch)])
            seconds, cpu, steps = seconds + took[0], cpu + took[1], steps + 1
        for sequence in range(batch):
            self.forget(context, sequence, depth)
        return {"seconds": seconds, "cpuSeconds": cpu, "tokens": steps * batch}

    def logits(self, tokens, ids):
        context = self.context(1, self.options.max_prefill + 64)
        self.forget(context, 0, 0)
        self.filled.pop(1, None)
        self.fill(context, 0, tokens)
        self.lib.llama_get_logits_ith.restype = ctypes.POINTER(ctypes.c_float)
        self.lib.llama_get_logits_ith.argtypes = [ctypes.c_void_p, ctypes.c_int32]
        row = self.lib.llama_get_logits_ith(context, -1)
        return {"logits": [row[i] for i in ids]}


def tolerate_missing_functions():
    """Imports llama_cpp's structures without its package, and lets functions be missing that the library lacks."""
    package_module = types.ModuleType("llama_cpp")
    package_module.__path__ = list(importlib.util.find_spec("llama_cpp").submodule_search_locations)
    sys.modules["llama_cpp"] = package_module
    import llama_cpp._ctypes_extensions as extensions
    original = extensions.ctypes_function_for_shared_library

    def tolerant(lib):
        declare = original(lib)

        def function(name, *arguments, **options):
            return declare(name, *arguments, **options) if hasattr(lib, name) else lambda missing: missing
        return function

    extensions.ctypes_function_for_shared_library = tolerant


def package(name):
    import importlib.metadata
    return importlib.metadata.version(name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--flavour", choices=["llama", "node", "ik"], default="llama")
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--lib", default="")
    parser.add_argument("--flash", choices=["auto", "on", "off"], default="auto")
    parser.add_argument("--max-prefill", type=int, default=2048)
    options = parser.parse_args()
    # The libraries and their loaders write to stdout too: answers get a stream of their own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    begin = time.perf_counter()
    subject = Llama(options)
    subject.context(1, options.max_prefill + 64)
    load = time.perf_counter() - begin

    def answer(value):
        answers.write(json.dumps(value) + "\n")

    answer({"name": subject.version, "loadSeconds": load, "vocab": subject.vocab,
            "precision": "weights as in the file, activations in 8 bits, KV f16"})
    for line in sys.stdin:
        ask = json.loads(line)
        if ask["do"] == "prefill":
            answer(subject.prefill(ask["tokens"]))
        elif ask["do"] == "decode":
            answer(subject.decode(ask["batch"], ask["depth"], ask["minSteps"], ask["maxSteps"], ask["budgetSeconds"]))
        elif ask["do"] == "logits":
            answer(subject.logits(ask["tokens"], ask["ids"]))
        elif ask["do"] == "memory":
            answer({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
        else:
            raise SystemExit("unknown " + line)
        subject.rest()


if __name__ == "__main__":
    main()
