#!/usr/bin/env python3
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks and times GPU artifacts, beside peers in the same process. bench/gpu/run.sh builds the runtime and calls this;
bench/gpu/README.md defines what is printed. Correctness and our own times need numpy alone; the peers need PyTorch."""

import argparse
import collections
import datetime
import json
import os
import pathlib
import secrets
import sys

import numpy as np

import abi
import patterns
import peers
import report
import verify
from device import CudaDevice, CudaError, SimulatedDevice

Shape = collections.namedtuple("Shape", "heads key_heads queries keys head_size")
Case = collections.namedtuple("Case", "shape make")  # `make` gives the formula, from a generator of random numbers.

KI = 1 << 10
HEADS = ((16, 16), (64, 8))
HEAD_SIZES = (64, 128)
LENGTHS = (8 * KI, 16 * KI, 32 * KI, 64 * KI, 128 * KI)
LONG = 1024 * KI  # What is sparse, with 16 heads of 64.
LIST_LENGTH = 32 * KI
DENSITIES = (0.01, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0)
TREES, CONTEXTS = (26, 64, 200), (0, 8 * KI)

DENSE = {"dense": patterns.dense, "causal": patterns.causal}
SPARSE = {
    "window_1024": lambda length: patterns.causal_window(length, 1024),
    "window_4096": lambda length: patterns.causal_window(length, 4096),
    "longformer": patterns.longformer,
    "strided": patterns.strided,
    "dilated": patterns.dilated,
}
NOT_LONG = ("strided",)  # Its pairs grow with the square of the length.
PATTERNS = (*DENSE, *SPARSE, "bigbird", "blocks", "tree")


def square(heads, length, head_size):
    return Shape(*heads, length, length, head_size)


def sequence_cases(shape, densities=(), sparse_only=False):
    """The patterns of one shape, dense ones first: others are compared with them."""
    length = shape.keys
    formulas = {} if sparse_only else dict(DENSE)
    formulas.update({name: make for name, make in SPARSE.items() if not (sparse_only and name in NOT_LONG)})
    for name, make in formulas.items():
        yield name, Case(shape, lambda generator, make=make: make(length))
    yield "bigbird", Case(shape, lambda generator: patterns.bigbird(generator, length))
    for density in densities:
        yield "blocks", Case(shape, lambda generator, d=density: patterns.block_list(generator, length, d))


def tree_cases(heads, head_size, sizes, contexts):
    for context in contexts:
        for size in sizes:
            shape = Shape(*heads, size, context + size, head_size)
            yield "tree", Case(
                shape, lambda g, s=size, c=context: patterns.Tree(patterns.depth_first_tree(g, s), c)
            )


def gpu_cases(options):
    heads, sizes, lengths = HEADS, HEAD_SIZES, options.lengths or LENGTHS
    if options.quick:
        heads, sizes, lengths = HEADS[:1], (128,), options.lengths or (32 * KI, 128 * KI)
    for head_pair in heads:
        for size in sizes:
            for length in lengths:
                densities = DENSITIES if length == LIST_LENGTH else (0.2,)
                yield from sequence_cases(square(head_pair, length, size), densities)
            yield from tree_cases(head_pair, size, TREES, CONTEXTS)
    if not options.quick and not options.lengths:
        yield from sequence_cases(square(HEADS[0], LONG, 64), sparse_only=True)


def sim_cases():
    """Small, but with every pattern longer than its window or step once."""
    yield from sequence_cases(square((2, 1), 1152, 64), (0.2, 1.0))
    yield from sequence_cases(square((2, 2), 192, 128), (0.4,))
    yield from tree_cases((2, 1), 64, TREES, (0, 100))


class Inputs:
    """Random arrays of one shape, on the host and on the device, and the output."""

    def __init__(self, device, shape, generator):
        self.device, self.shape = device, shape
        normal = verify.Normal(generator)
        query = (shape.heads, shape.queries, shape.head_size)
        key = (shape.key_heads, shape.keys, shape.head_size)
        self.host = [normal.draw(size) for size in (query, key, key)]
        self.buffers = [device.allocate(array.nbytes) for array in self.host]
        for buffer, array in zip(self.buffers, self.host):
            device.write(buffer, array)
        self.output = device.allocate(self.host[0].nbytes)
        self.values = [
            abi.contiguous(buffer.address, abi.BF16, (1, *array.shape))
            for buffer, array in zip([*self.buffers, self.output], [*self.host, self.host[0]])
        ]
        self.peers = peers.Peers(shape, *self.buffers)

    def poison(self):
        self.device.fill(self.output, 0xFF)  # NaN

    def read_row(self, index):
        row = np.empty(self.shape.head_size, np.uint16)
        self.device.read(self.output, 2 * self.shape.head_size * index, row)
        return row

    def free(self):
        self.peers.release()
        for buffer in [*self.buffers, self.output]:
            buffer.free()


class Benchmark:
    def __init__(self, device, runtime, folder, options):
        self.device, self.runtime, self.folder, self.options = device, runtime, folder, options
        self.generator = np.random.default_rng(options.seed)
        self.inputs = None
        self.artifacts, self.rows = {}, []
        self.dense_times = {}  # By shape and whether causal: what was found, by name.
        self.own_dense = {}  # By shape: milliseconds.
        self.dense_rates = {}  # By heads and head size: milliseconds a pair of our longest dense run.

    def artifact(self, name, head_size, target):
        path = self.folder / f"{name}_d{head_size}.{target}.so"
        if path not in self.artifacts:
            self.artifacts[path] = abi.Artifact(self.runtime, path)
        return self.artifacts[path]

    def inputs_of(self, shape):
        if self.inputs is None or self.inputs.shape != shape:
            if self.inputs is not None:
                self.inputs.free()
            self.inputs = Inputs(self.device, shape, self.generator)
        return self.inputs

    def run(self, case, target):
        """The row of one case; correctness first."""
        shape, formula, inputs = case.shape, case.make(self.generator), self.inputs_of(case.shape)
        artifact = self.artifact(formula.artifact, shape.head_size, target)
        captures = formula.captures(self.runtime)
        arguments = [*inputs.values[:3], *(capture.value for capture in captures)]
        prepare = lambda: abi.Plan(artifact, arguments, inputs.values[3], self.device)
        sample = verify.Sample(self.generator, formula, *inputs.host, self.options.rows)
        plan = prepare()
        row = self.new_row(shape, formula, plan, target)
        self.check(row, inputs, plan, sample)
        if self.device.measures and row["ok"]:
            self.measure(row, shape, formula, plan, prepare, artifact)
            self.compare(row, inputs, formula, sample)
        plan.destroy()
        for capture in captures:
            capture.destroy()
        self.rows.append(row)
        return row

    @staticmethod
    def new_row(shape, formula, plan, target):
        pairs = shape.heads * formula.pairs()
        return {
            "pattern": formula.name, "target": target, **shape._asdict(), "causal": formula.causal,
            "tree": formula.tree, "list_density": getattr(formula, "density", None), "pairs": pairs,
            "density": pairs / (shape.heads * shape.queries * shape.keys), "visited_pairs": plan.visited_pairs(),
            "plan_bytes": plan.device_bytes(),
            "ms": None, "tflops": None, "bound_share": None, "launch_us": None, "plan_ms": None,
            "prepare_and_launch_ms": None, "own_dense_ms": None, "fastest_dense_ms": None, "fastest_dense": None,
            "peers": {},
        }  # fmt: skip

    def check(self, row, inputs, plan, sample):
        inputs.poison()
        plan.launch()
        self.device.synchronize()
        row["unwritten"] = verify.count_unwritten(self.device, inputs.output, inputs.host[0].size)
        row["error"] = sample.error(inputs.read_row)
        row["ok"] = row["unwritten"] == 0 and row["error"] <= verify.TOLERANCE and row["visited_pairs"] >= row["pairs"]

    def measure(self, row, shape, formula, plan, prepare, artifact):
        """Times of ours."""
        device, budget = self.device, self.options.budget_ms

        def prepare_and_launch():
            new = prepare()
            new.launch()
            device.synchronize()
            new.destroy()

        row["ms"] = device.time(plan.launch, budget)
        row["tflops"] = 4e-9 * shape.head_size * row["pairs"] / row["ms"]
        row["launch_us"] = 1e3 * device.time_on_host(plan.launch, 30, wait=False)
        row["plan_ms"] = device.time_on_host(lambda: prepare().destroy(), 5, wait=True)
        row["prepare_and_launch_ms"] = device.time_on_host(prepare_and_launch, 3, wait=True)
        self.dense_reference(row, shape, formula)

    def dense_reference(self, row, shape, formula):
        """Our dense kernel on the same shape, and the skip bound that follows from it."""
        rate = (shape.heads, shape.key_heads, shape.head_size)
        if formula.name == "dense":
            self.own_dense[shape] = row["ms"]
            self.dense_rates[rate] = row["ms"] / row["visited_pairs"]
        elif formula.tree:
            self.own_dense[shape] = self.time_own_dense(shape, row["target"])
        row["own_dense_ms"] = self.own_dense.get(shape)
        if not formula.tree and rate in self.dense_rates:
            row["bound_share"] = self.dense_rates[rate] * row["visited_pairs"] / row["ms"]

    def time_own_dense(self, shape, target):
        artifact = self.artifact("dense", shape.head_size, target)
        plan = abi.Plan(artifact, self.inputs.values[:3], self.inputs.values[3], self.device)
        milliseconds = self.device.time(plan.launch, self.options.budget_ms)
        plan.destroy()
        return milliseconds

    def compare(self, row, inputs, formula, sample):
        """Times of the peers, and the fastest dense kernel."""
        dense = self.dense_times.setdefault((inputs.shape, formula.causal), {})
        is_dense = formula.name in DENSE
        if is_dense:
            dense["ours"] = {"ms": row["ms"]}
        for name in peers.NAMES:
            if self.options.peers and name not in self.options.peers:
                row["peers"][name] = {"reason": "not asked for"}
            elif peers.stands_for(name, formula):
                row["peers"][name] = dense.get(name, {"reason": "no dense row of this shape"})
            else:
                row["peers"][name] = self.measure_peer(name, row, inputs, formula, sample)
            if is_dense and name in peers.DENSE_KERNELS:
                dense[name] = row["peers"][name]
        times = [(entry["ms"], name) for name, entry in dense.items() if "ms" in entry]
        row["fastest_dense_ms"], row["fastest_dense"] = min(times, default=(None, None))

    def measure_peer(self, name, row, inputs, formula, sample):
        """The fastest right candidate of a peer, or the reason why there is none. A peer may fail in any way; that
        leaves its own column empty, and the others whole."""
        try:
            if name == "cutlass":
                return {"ms": inputs.peers.cutlass_ms(formula), "label": "f16, its own clock"}
            if name == "flex uncached":
                return self.measure_uncached(row, inputs, formula)
            return self.fastest(inputs.peers.candidates(name, formula), inputs, sample)
        except peers.Unavailable as error:
            return {"reason": str(error)}
        except Exception as error:
            return {"reason": f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error) else ''}"}
        finally:
            inputs.peers.release()

    def measure_uncached(self, row, inputs, formula):
        block = row["peers"].get("flex", {}).get("label", "blocks of 128").split()[-1]
        run = inputs.peers.flex_uncached(formula, int(block))
        return {"ms": self.device.time_on_host(run, 3, wait=True), "label": f"blocks of {block}"}

    def fastest(self, candidates, inputs, sample):
        found, problems = [], []
        for label, run in candidates:
            try:
                error = sample.error(self.rows_of(run(), inputs.shape))
                if error > verify.TOLERANCE:
                    raise peers.Unavailable(f"expects an error of at most {verify.TOLERANCE}, but got {error:.2g}")
                found.append((self.device.time(run, self.options.budget_ms), label))
            except (RuntimeError, peers.Unavailable) as error:
                problems.append(f"{label}: {str(error).strip().splitlines()[0]}")
        if not found:
            raise peers.Unavailable("; ".join(problems))
        milliseconds, label = min(found)
        return {"ms": milliseconds, "label": label}

    @staticmethod
    def rows_of(tensor, shape):
        """Rows of a peer's output in bf16, as Sample wants them."""

        def read(index):
            head, row = divmod(index, shape.queries)
            return tensor[0, head, row].float().cpu().numpy().view(np.uint32).__rshift__(16).astype(np.uint16)

        return read

    def close(self):
        if self.inputs is not None:
            self.inputs.free()
        for artifact in self.artifacts.values():
            artifact.close()


def check_formula(formula, queries):
    """Whether the count of pairs, the keys of each query and the condition that peers get say the same; on the
    simulated device, where sequences are short."""
    rows = [formula.keys(q) for q in range(queries)]
    if formula.pairs() != sum(row.size for row in rows):
        return False
    if not isinstance(formula, (patterns.Bands, patterns.Strided)) or formula.name == "dense":
        return True
    everywhere, condition = np.arange(queries), formula.mask_mod(None)
    return all(np.array_equal(np.flatnonzero(condition(0, 0, q, everywhere)), keys) for q, keys in enumerate(rows))


def numbers(text):
    return tuple(int(part) for part in text.split(","))


def parse():
    parser = argparse.ArgumentParser(prog="run.sh", description=__doc__)
    parser.add_argument("folder", type=pathlib.Path, help="of build_artifacts.sh")
    parser.add_argument("--runtime", type=pathlib.Path, required=True, help="libsparse_attn_runtime.so")
    parser.add_argument("--device", choices=("cuda", "sim"), default="cuda")
    parser.add_argument("--target", help="of the artifacts (default: that of the GPU; all, of the simulated device)")
    parser.add_argument("--quick", action="store_true", help="16 heads of 128, 32K and 128K tokens")
    parser.add_argument("--patterns", help="of " + ", ".join(PATTERNS) + "; on a GPU, dense ones are added")
    parser.add_argument("--lengths", type=numbers, help="tokens, separated by commas")
    parser.add_argument("--head-sizes", type=numbers, default=HEAD_SIZES, help="64, 128 or both (default)")
    parser.add_argument("--peers", help="of " + ", ".join(peers.NAMES) + ", or none (default: all)")
    parser.add_argument("--rows", type=int, default=16, help="random rows of a head to check (default 16)")
    parser.add_argument("--budget-ms", type=float, default=500, help="GPU time of one figure (default 500)")
    parser.add_argument("--seed", type=int, default=None, help="of all random numbers (default: a new one)")
    parser.add_argument("--json", type=pathlib.Path, help="also write all that was measured to a file")
    options = parser.parse_args()
    options.seed = secrets.randbits(32) if options.seed is None else options.seed
    options.peers = options.peers.split(",") if options.peers else None
    options.patterns = options.patterns.split(",") if options.patterns else PATTERNS
    unknown = [*set(options.patterns) - set(PATTERNS), *set(options.peers or ()) - {*peers.NAMES, "none"}]
    if unknown:
        parser.error(f"expects known patterns and peers, but got {', '.join(unknown)}")
    if any(length < 192 or length % patterns.BLOCK for length in options.lengths or ()):
        parser.error(f"expects lengths that are multiples of {patterns.BLOCK} and at least 192")
    return options


def open_device(options):
    """The device, and the targets whose artifacts are run."""
    if options.device == "sim":
        os.environ["SPARSE_ATTN_DEVICE"] = "sim"
        return SimulatedDevice(), [options.target] if options.target else ["sm_80", "sm_90a"]
    device = CudaDevice()
    return device, [options.target or device.target()]


def selected(cases, options):
    """Cases asked for, and the dense ones that a GPU's figures are ratios to."""
    needed = {*options.patterns, *(DENSE if options.device == "cuda" else ())}
    return [case for name, case in cases if name in needed and case.shape.head_size in options.head_sizes]


def measure(options, device, targets, runtime):
    """Yields the results so far after each row; the last are all."""
    benchmark = Benchmark(device, runtime, options.folder, options)
    date = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
    versions = {**peers.versions(), "sparse-attn": runtime.library.sparse_attn_version().decode()}
    results = {"date": date, **device.describe(), "seed": options.seed, "versions": versions, "rows": benchmark.rows}
    for target in targets:
        for case in selected(sim_cases() if options.device == "sim" else gpu_cases(options), options):
            row = benchmark.run(case, target)
            if options.device == "sim":
                row["ok"] &= check_formula(case.make(benchmark.generator), case.shape.queries)
            print(report.progress(row), file=sys.stderr, flush=True)
            yield {**results, "goals": report.goal_records(benchmark.rows)}
    benchmark.close()


def main():
    options = parse()
    results = None
    try:
        device, targets = open_device(options)
        for results in measure(options, device, targets, abi.Runtime(options.runtime)):
            # Written after each row, so that nothing is lost where the run is cut short.
            if options.json:
                options.json.write_text(json.dumps(results, indent=2) + "\n")
    except (OSError, CudaError, RuntimeError, ValueError) as error:
        sys.exit(f"gpu_bench.py: error: {error}")
    if results is None:
        sys.exit("gpu_bench.py: error: expects patterns, lengths and head sizes that some case has")
    print("\n".join(report.lines(results)))
    sys.exit(0 if all(row["ok"] for row in results["rows"]) else 1)


if __name__ == "__main__":
    main()
