"""NIXL's and Mooncake's transfer engines as subjects of `baton bench transfer`: JSON lines in, JSON lines out.

    python transfer_peers.py --engine nixl|mooncake [--transports tcp]

Two processes: this one writes into the memory of another that it starts. nixl: nixl-cu12 with UCX, over the transports
that UCX_TLS names (all where none are given). mooncake: mooncake-transfer-engine-non-cuda over its tcp, without a
metadata server. A message of one stream is one write; a chunk is one write of 30 pieces of 192 KiB.
"""

import argparse
import base64
import ctypes
import json
import mmap
import os
import subprocess
import sys
import threading
import time
from importlib.metadata import version

MESSAGE = 64 << 20
PIECE = 192 << 10
PIECES = 30
MOST_STREAMS = 8


class Memory:
    """A place of 64 MiB to a stream, touched."""

    def __init__(self):
        self.map = mmap.mmap(-1, MOST_STREAMS * MESSAGE)
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))
        self.bytes = MOST_STREAMS * MESSAGE
        ctypes.memset(self.address, 1, self.bytes)


def pieces(shape):
    """Offset and length of what one message consists of."""
    if shape == "message":
        return [(0, MESSAGE)]
    if shape == "chunk":
        return [(i * PIECE, PIECE) for i in range(PIECES)]
    return [(0, 8)]


class Nixl:
    def __init__(self, name, memory):
        from nixl_cu12 import nixl_agent, nixl_agent_config
        self.agent = nixl_agent(name, nixl_agent_config(backends=["UCX"]))
        self.memory = memory
        self.registered = self.agent.register_memory([(memory.address, memory.bytes, 0, "")], "DRAM")

    def invite(self):
        meta = base64.b64encode(self.agent.get_agent_metadata()).decode()
        return {"meta": meta, "address": self.memory.address}

    def accept(self, invitation):
        name = self.agent.add_remote_agent(base64.b64decode(invitation["meta"]))
        self.peer = name.decode() if isinstance(name, bytes) else name
        self.remote = invitation["address"]

    def handle(self, stream, shape):
        base = stream * MESSAGE
        local = [(self.memory.address + base + at, n, 0) for at, n in pieces(shape)]
        remote = [(self.remote + base + at, n, 0) for at, n in pieces(shape)]
        return self.agent.initialize_xfer(
            "WRITE", self.agent.get_xfer_descs(local, "DRAM"), self.agent.get_xfer_descs(remote, "DRAM"), self.peer)

    def run(self, shape, streams, messages):
        """All streams at once, each message after the one before; made ready first."""
        handles = [self.handle(stream, shape) for stream in range(streams)]
        left = [messages] * streams
        start = time.perf_counter()
        for handle in handles:
            self.post(handle)
        live = streams
        while live:
            for i, handle in enumerate(handles):
                if left[i] and self.done(handle):
                    left[i] -= 1
                    if left[i]:
                        self.post(handle)
                    else:
                        live -= 1
        seconds = time.perf_counter() - start
        for handle in handles:
            self.agent.release_xfer_handle(handle)
        return seconds

    def post(self, handle):
        if self.agent.transfer(handle) == "ERR":
            raise RuntimeError("the transfer was not taken")

    def done(self, handle):
        state = self.agent.check_xfer_state(handle)
        if state == "ERR":
            raise RuntimeError("the transfer failed")
        return state == "DONE"

    def questions(self, count):
        handle = self.handle(0, "word")
        nanos = []
        for _ in range(count):
            at = time.perf_counter_ns()
            self.post(handle)
            while not self.done(handle):
                pass
            nanos.append(time.perf_counter_ns() - at)
        self.agent.release_xfer_handle(handle)
        return nanos


class Mooncake:
    def __init__(self, name, memory):
        from mooncake.engine import TransferEngine
        self.engine = TransferEngine()
        if self.engine.initialize("127.0.0.1", "P2PHANDSHAKE", "tcp", "") != 0:
            raise RuntimeError("the engine was not initialised")
        self.memory = memory
        if self.engine.register_memory(memory.address, memory.bytes) != 0:
            raise RuntimeError("the memory was not registered")

    def invite(self):
        return {"peer": "127.0.0.1:%d" % self.engine.get_rpc_port(), "address": self.memory.address}

    def accept(self, invitation):
        self.peer = invitation["peer"]
        self.remote = invitation["address"]

    def write(self, stream, shape):
        base = stream * MESSAGE
        parts = pieces(shape)
        local = [self.memory.address + base + at for at, _ in parts]
        remote = [self.remote + base + at for at, _ in parts]
        sizes = [n for _, n in parts]
        if len(parts) == 1:
            status = self.engine.transfer_sync_write(self.peer, local[0], remote[0], sizes[0])
        else:
            status = self.engine.batch_transfer_sync_write(self.peer, local, remote, sizes)
        if status != 0:
            raise RuntimeError("the write failed: %d" % status)

    def run(self, shape, streams, messages):
        failures = []

        def stream(number):
            try:
                for _ in range(messages):
                    self.write(number, shape)
            except RuntimeError as e:
                failures.append(e)

        threads = [threading.Thread(target=stream, args=(i,)) for i in range(streams)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]
        return time.perf_counter() - start

    def questions(self, count):
        nanos = []
        for _ in range(count):
            at = time.perf_counter_ns()
            self.write(0, "word")
            nanos.append(time.perf_counter_ns() - at)
        return nanos


ENGINES = {"nixl": (Nixl, "nixl-cu12"), "mooncake": (Mooncake, "mooncake-transfer-engine-non-cuda")}


def cpu(pid):
    """Seconds of processor time of a process, all its threads."""
    with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def serve(engine, other, out):
    print(json.dumps({"name": engine}), file=out, flush=True)
    subject = other["subject"]
    for line in sys.stdin:
        question = json.loads(line)
        if question["do"] == "transfer":
            before = cpu(os.getpid()) + cpu(other["pid"])
            count = question["streams"] * question["messages"]
            seconds = subject.run(question["shape"], question["streams"], question["messages"])
            used = cpu(os.getpid()) + cpu(other["pid"]) - before
            size = sum(n for _, n in pieces(question["shape"])) * count
            answer = {"seconds": seconds, "bytes": size, "cpuSeconds": used}
        elif question["do"] == "roundTrips":
            nanos = sorted(subject.questions(question["count"]))
            answer = {"p50": nanos[len(nanos) // 2], "p99": nanos[len(nanos) * 99 // 100]}
        else:
            raise SystemExit("unknown question " + line)
        print(json.dumps(answer), file=out, flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", choices=sorted(ENGINES), required=True)
    parser.add_argument("--transports", default="")
    parser.add_argument("--target", action="store_true")
    options = parser.parse_args()
    if options.engine == "nixl" and options.transports:
        os.environ["UCX_TLS"] = options.transports
    # The libraries write their logs where the answers go.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    kind, package = ENGINES[options.engine]
    if options.target:
        subject = kind("target", Memory())
        print(json.dumps(subject.invite()), file=out, flush=True)
        sys.stdin.read()
        os._exit(0)
    child = subprocess.Popen(
        [sys.executable, __file__, "--target", "--engine", options.engine, "--transports", options.transports],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        invitation = json.loads(child.stdout.readline())
        subject = kind("initiator", Memory())
        subject.accept(invitation)
        subject.questions(1)
        name = "%s %s%s" % (options.engine, version(package), " " + options.transports if options.transports else "")
        serve(name, {"subject": subject, "pid": child.pid}, out)
    finally:
        child.kill()
    os._exit(0)


if __name__ == "__main__":
    main()
