#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Times our kernels against PyTorch on the CPU, in one process: dense scaled_dot_product_attention, and compiled
flex_attention with its block mask cached and made anew for every call.

Each row checks that both compute the same, then lets both take turns on the same inputs and the same number of
threads. With one thread the times are CPU times, which other programs disturb least; with more, times that passed.
"Cached" compares our launch with flex_attention on a block mask at hand; "uncached" compares our prepare and launch
with create_block_mask and flex_attention. Needs PyTorch 2.5 or later, and g++ for compiled flex_attention."""

import argparse
import ctypes
import json
import math
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

BAR, GOAL = 1.5, 2.0
HEAD_SIZE = 64
# The declaration of each pattern, its last value %p, and its formula.
PATTERNS = {
    "dense": ("%p = sparse_attn.dense", lambda q, k: q >= 0),
    "causal": ("%p = sparse_attn.causal", lambda q, k: k <= q),
    "window": (
        "%p = sparse_attn.window left(256) right(256)",
        lambda q, k: (q - 256 <= k) & (k <= q + 256),
    ),
    "longformer": (
        "%w = sparse_attn.window left(256) right(256)\n"
        "  %g = sparse_attn.global first(64)\n"
        "  %p = sparse_attn.union %w, %g",
        lambda q, k: ((q - 256 <= k) & (k <= q + 256)) | (q < 64) | (k < 64),
    ),
}
# Of sparse_attn.h, and how far two results may differ: each side rounds to the type.
DTYPES = {"f32": 0, "bf16": 2}
TOLERANCES = {"f32": 1e-5, "bf16": 2e-2}


class Value(ctypes.Structure):
    """sparse_attn_value of sparse_attn.h."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("dtype", ctypes.c_int32),
        ("rank", ctypes.c_int32),
        ("size", ctypes.c_int64 * 4),
        ("stride", ctypes.c_int64 * 4),
        ("scalar", ctypes.c_int64),
    ]


def value_of(tensor, dtype):
    return Value(tensor.data_ptr(), DTYPES[dtype], 4, tuple(tensor.shape), tuple(tensor.stride()), 0)


class Runtime:
    """The C interface of the runtime in a build folder, and the compiler beside it."""

    def __init__(self, build, threads):
        self.compiler = build / "bin" / "sparse-attn-compile"
        self.library = ctypes.CDLL(str(build / "lib" / "libsparse_attn_runtime.so"))
        self.library.sparse_attn_last_error.restype = ctypes.c_char_p
        self.library.sparse_attn_workspace_bytes.restype = ctypes.c_size_t
        self.library.sparse_attn_workspace_bytes.argtypes = [ctypes.c_void_p]
        self.library.sparse_attn_plan_destroy.argtypes = [ctypes.c_void_p]
        self.library.sparse_attn_plan_destroy.restype = None
        self.folder = tempfile.TemporaryDirectory()
        self.check(self.library.sparse_attn_set_threads(threads))

    def check(self, status):
        if status != 0:
            raise RuntimeError(self.library.sparse_attn_last_error().decode())

    def open(self, pattern, dtype):
        """The artifact of one pattern, with a function @attention."""
        array = f"tensor<?x?x?x{HEAD_SIZE}x{dtype}>"
        path = pathlib.Path(self.folder.name) / f"{pattern}_{dtype}.mlir"
        path.write_text(
            f"sparse_attn.pattern @pattern {{\n  {PATTERNS[pattern][0]}\n  sparse_attn.yield %p\n}}\n"
            f"func.func @attention(%q: {array}, %k: {array}, %v: {array}) -> {array} {{\n"
            f"  %o = sparse_attn.attention %q, %k, %v pattern(@pattern) : ({array}, {array}, {array}) -> {array}\n"
            f"  return %o : {array}\n}}\n"
        )
        subprocess.run([self.compiler, path, "--cpu=native", "-o", path.with_suffix(".so")], check=True)
        artifact = ctypes.c_void_p()
        name = str(path.with_suffix(".so")).encode()
        self.check(self.library.sparse_attn_artifact_open(name, ctypes.byref(artifact)))
        return artifact


class Plan:
    """A plan of ours for given tensors."""

    def __init__(self, runtime, artifact, dtype, query, key, value):
        self.runtime = runtime
        self.artifact = artifact
        self.tensors = (query, key, value)  # Their memory must outlive the views.
        self.output = query.new_empty(query.shape)
        self.arguments = (Value * 3)(*(value_of(tensor, dtype) for tensor in self.tensors))
        self.results = (Value * 1)(value_of(self.output, dtype))
        self.plan = None
        self.prepare()

    def prepare(self):
        library = self.runtime.library
        if self.plan:
            library.sparse_attn_plan_destroy(self.plan)
        self.plan = ctypes.c_void_p()
        self.runtime.check(
            library.sparse_attn_prepare(
                self.artifact, b"attention", self.arguments, ctypes.c_size_t(3), ctypes.byref(self.plan)
            )
        )
        self.bytes = library.sparse_attn_workspace_bytes(self.plan)
        self.memory = ctypes.create_string_buffer(self.bytes + 64)
        address = ctypes.addressof(self.memory)
        self.workspace = ctypes.c_void_p(address + -address % 64)

    def launch(self):
        self.runtime.check(
            self.runtime.library.sparse_attn_launch(
                self.plan, self.arguments, ctypes.c_size_t(3), self.results, ctypes.c_size_t(1), self.workspace,
                ctypes.c_size_t(self.bytes), None,
            )
        )
        return self.output

    def prepare_and_launch(self):
        self.prepare()
        return self.launch()


def median_times(clock, ours, theirs, repeats):
    """Median milliseconds of two functions that take turns."""
    times = ([], [])
    for _ in range(repeats):
        for function, found in zip((ours, theirs), times):
            start = clock()
            function()
            found.append(1e3 * (clock() - start))
    return tuple(map(statistics.median, times))


def peers_of(torch, pattern, length, query, key, value):
    """Triples of a name, whether our side prepares too, and their function."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention
    from torch.nn.functional import scaled_dot_product_attention

    formula = PATTERNS[pattern][1]
    if pattern == "dense":
        dense = lambda: scaled_dot_product_attention(query, key, value)
    elif pattern == "causal":
        dense = lambda: scaled_dot_product_attention(query, key, value, is_causal=True)
    else:
        position = torch.arange(length)
        mask = formula(position[:, None], position[None, :])
        dense = lambda: scaled_dot_product_attention(query, key, value, attn_mask=mask)
    yield "sdpa", False, dense
    if pattern == "dense":
        return
    make = lambda: create_block_mask(lambda b, h, q, k: formula(q, k), None, None, length, length, device="cpu")
    # Compiled for these sizes, as a user who wants speed would.
    torch._dynamo.reset()
    flex = torch.compile(flex_attention, dynamic=False)
    block_mask = make()
    yield "flex cached", False, lambda: flex(query, key, value, block_mask=block_mask)
    yield "flex uncached", True, lambda: flex(query, key, value, block_mask=make())


def compare(torch, runtime, artifacts, clock, pattern, dtype, length, options):
    """The rows of one pattern, type and length."""
    torch.manual_seed(0)
    type_of = {"f32": torch.float32, "bf16": torch.bfloat16}[dtype]
    query, key, value = (torch.randn(1, options.heads, length, HEAD_SIZE, dtype=type_of) for _ in range(3))
    if (pattern, dtype) not in artifacts:
        artifacts[pattern, dtype] = runtime.open(pattern, dtype)
    plan = Plan(runtime, artifacts[pattern, dtype], dtype, query, key, value)
    for peer, prepares, theirs in peers_of(torch, pattern, length, query, key, value):
        if options.peer and options.peer not in peer:
            continue
        ours = plan.prepare_and_launch if prepares else plan.launch
        difference = (ours().float() - theirs().float()).abs().max().item()
        our_time, their_time = median_times(clock, ours, theirs, options.repeats)
        yield {
            "pattern": pattern, "dtype": dtype, "length": length, "peer": peer, "ours_ms": our_time,
            "theirs_ms": their_time, "ratio": their_time / our_time, "difference": difference,
            "agrees": math.isfinite(difference) and difference <= TOLERANCES[dtype],
        }  # fmt: skip


def verdict(row):
    if not row["agrees"]:
        return f"results differ by {row['difference']:.1e}"
    return "pass, goal" if row["ratio"] >= GOAL else "pass" if row["ratio"] >= BAR else "FAIL"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--build", type=pathlib.Path, default=root / "build", help="our build folder (default: build)")
    parser.add_argument("--lengths", default="4096,8192,16384", help="tokens, separated by commas")
    parser.add_argument("--patterns", default=",".join(PATTERNS), help="of " + ", ".join(PATTERNS))
    parser.add_argument("--dtypes", default=",".join(DTYPES), help="of " + ", ".join(DTYPES))
    parser.add_argument("--peer", help="only peers with this text in their name")
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--threads", type=int, default=1, help="of both sides (default 1)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=pathlib.Path, help="also write the rows to a file")
    return parser.parse_args()


def main():
    options = parse()
    try:
        import torch
    except ImportError:
        sys.exit("peers.py: error: expects PyTorch in this Python (pip install torch)")
    torch.set_num_threads(options.threads)
    clock = time.process_time if options.threads == 1 else time.perf_counter
    runtime = Runtime(options.build, options.threads)
    what = "CPU time" if options.threads == 1 else "time that passed"
    print(f"PyTorch {torch.__version__}; {options.heads} heads of {HEAD_SIZE}; {options.threads} thread(s); {what}")
    print(f"bar: {BAR}x, goal: {GOAL}x\n")
    layout = "{:<12} {:<5} {:>7} {:<14} {:>12} {:>12} {:>8}  {}"
    print(layout.format("pattern", "type", "tokens", "peer", "ours", "theirs", "ratio", ""))
    rows, artifacts = [], {}
    with torch.inference_mode():
        for pattern in options.patterns.split(","):
            for dtype in options.dtypes.split(","):
                for length in map(int, options.lengths.split(",")):
                    for row in compare(torch, runtime, artifacts, clock, pattern, dtype, length, options):
                        rows.append(row)
                        times = (f"{row[side]:.2f} ms" for side in ("ours_ms", "theirs_ms"))
                        print(
                            layout.format(
                                pattern, dtype, length, row["peer"], *times, f"{row['ratio']:.2f}x", verdict(row)
                            ),
                            flush=True,
                        )
    met = sum(row["agrees"] and row["ratio"] >= BAR for row in rows)
    print(f"\n{met} of {len(rows)} ratios at {BAR}x or more")
    if options.json:
        options.json.write_text(json.dumps({"torch": torch.__version__, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
