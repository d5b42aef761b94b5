# Sequences of different lengths: padded and packed, under schedules of every kind.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# Rows outside of the sequences are NaN: who reads one of queries, keys or values spoils a result, and results keep what
# stood there before, which is NaN too.

import collections

import numpy as np

import score_regions
import workbench
from catalogue import documents
from expressions import (
    blocks, causal, dense, intersect, neighborhood, per_head, prefix_lm, random, same_document, stride, union, window,
)  # fmt: skip
from oracle import element_types, formulas, reference
from workbench import Sizes

PATTERNS = {
    "dense": dense(),
    "causal": causal(),
    "window": window(20, 5),
    "heads": per_head(causal(), window(30, 30)),
    "classes": intersect(stride(7), window(150, 150)),
    "parts": union(window(12, 0), intersect(causal(), stride(16))),
    "listed": intersect(causal(), same_document("ids", per_batch=True)),
    "prefix": prefix_lm("prefix"),
    "random": random(2, 16, 5),
    "blocks": blocks("mask", 64, 32),
    "grid": neighborhood((10, 16), (5, 7)),
}
# Which lengths and offsets a function has.
KINDS = {
    "padded": ("q_lengths", "k_lengths"),
    "padded_keys": ("k_lengths",),
    "packed": ("q_offsets", "k_offsets"),
    "packed_with_room": ("q_lengths", "k_lengths", "q_offsets", "k_offsets"),
    "packed_queries": ("k_lengths", "q_offsets"),
}
PACKED = ("packed", "packed_with_room", "packed_queries")

Function = collections.namedtuple("Function", "name dtype head_size lse expression score kind")


class Module:
    def __init__(self, functions):
        self.functions = functions

    def text(self):
        return "\n".join(function_text(function) for function in self.functions)


def function_text(f):
    array, sums = f"tensor<?x?x?x{f.head_size}x{f.dtype}>", "tensor<?x?x?xf32>"
    captures = {**f.expression.captures, **(f.score.captures if f.score else {})}
    arguments = [*((name, array) for name in "qkv"), *captures.items(), *((n, "memref<?xi32>") for n in KINDS[f.kind])]
    names, kinds = ", ".join(f"%{n}" for n in f.expression.captures), ", ".join(f.expression.captures.values())
    use = f"@{f.name}_pattern" + (f"({names}) : ({kinds})" if names else "")
    places = " ".join(f"{name}(%{name})" for name in KINDS[f.kind])
    score = f" {f.score.text()}" if f.score else ""
    return f"""{f.expression.pattern(f.name + "_pattern")}
func.func @{f.name}({", ".join(f"%{name}: {kind}" for name, kind in arguments)}) -> ({array}, {sums}) {{
  %o, %l = sparse_attn.attention %q, %k, %v pattern({use}) {places}{score} : ({array}, {array}, {array}) -> ({array}, {sums})
  return %o, %l : {array}, {sums}
}}
"""


# A sequence: its batch in the arrays, and its rows of queries and of keys.
Sequence = collections.namedtuple("Sequence", "batch queries keys")


class Problem:
    """Arrays of random sequences; what lies between them is NaN."""

    def __init__(self, function, heads, seed):
        self.function = function
        self.generator = generator = np.random.default_rng(seed)
        count = int(generator.integers(1, 6))
        longest = int(generator.choice([70, 200]))
        lengths = generator.integers(0, longest + 1, (2, count))
        if seed % 3 == 0:
            lengths[:, generator.integers(count)] = 0, longest  # A sequence without queries,
            lengths[1, generator.integers(count)] = 0  # and one without keys.
        if "mask" in function.expression.captures:
            lengths = np.maximum(lengths, 1)  # No file holds a mask of nothing.
        self.captures = {}
        packed = function.kind in PACKED
        spans = [self.place(lengths[0], "q", packed), self.place(lengths[1], "k", function.kind in PACKED[:2])]
        self.sequences = [Sequence(0 if packed else n, spans[0][n], spans[1][n]) for n in range(count)]
        batch = 1 if packed else count
        draw = lambda h, rows: generator.standard_normal((batch, h, rows, function.head_size))
        key_heads = heads // int(generator.choice([1, 2]))
        arrays = draw(heads, self.rows("q")), draw(key_heads, self.rows("k")), draw(key_heads, self.rows("k"))
        self.query, self.key, self.value = (
            element_types.encode(self.blank(array, number > 0), function.dtype) for number, array in enumerate(arrays)
        )
        self.add_captures(heads, count, lengths)

    def place(self, lengths, role, packed):
        """The rows of each sequence, and the captured arrays that say so."""
        generator, kind = self.generator, KINDS[self.function.kind]
        if not packed:
            if f"{role}_lengths" not in kind:
                lengths[:] = max(lengths.max(), 1)
            else:
                self.captures[f"{role}_lengths"] = lengths.astype(np.int32)
            self.captures[f"rows_{role}"] = int(lengths.max()) + int(generator.integers(0, 40))
            if f"{role}_lengths" not in kind:
                self.captures[f"rows_{role}"] = int(lengths.max())
            return [slice(0, int(length)) for length in lengths]
        room = generator.integers(0, 30, len(lengths)) if f"{role}_lengths" in kind else np.zeros_like(lengths)
        first = int(generator.integers(0, 20))
        offsets = first + np.concatenate([[0], np.cumsum(lengths + room)])
        self.captures[f"{role}_offsets"] = offsets.astype(np.int32)
        if f"{role}_lengths" in kind:
            self.captures[f"{role}_lengths"] = lengths.astype(np.int32)
        self.captures[f"rows_{role}"] = int(offsets[-1]) + int(generator.integers(0, 20))
        return [slice(int(begin), int(begin + length)) for begin, length in zip(offsets, lengths)]

    def rows(self, role):
        return self.captures[f"rows_{role}"]

    def blank(self, array, is_of_keys):
        kept = np.full(array.shape, np.nan)
        for sequence in self.sequences:
            rows = sequence.keys if is_of_keys else sequence.queries
            kept[sequence.batch, :, rows] = array[sequence.batch, :, rows]
        return kept

    def add_captures(self, heads, count, lengths):
        generator, longest = self.generator, max(int(lengths.max()), 1)
        values = {
            "ids": np.stack([documents(generator, longest) for _ in range(count)]),
            "prefix": generator.integers(0, longest + 1, count).astype(np.int32),
            "slopes": 2.0 ** -np.arange(2, 2 + heads, dtype=np.float32),
            "integers": generator.integers(-3, 4, (count, longest), np.int32),
        }
        masks = [generator.random((1, heads, -(-queries // 64), -(-keys // 32))) < 0.5 for queries, keys in lengths.T]
        values["mask"] = [formulas.BlockMask(mask, 64, 32) for mask in masks]
        score, own = self.function.score, set(KINDS[self.function.kind])
        own |= set(self.function.expression.captures) | set(score.captures if score else {})
        self.known = {name: value for name, value in {**values, **self.captures}.items()}
        self.captures = {name: value for name, value in self.known.items() if name in own}

    def frame(self, n, h):
        queries, keys = (rows.stop - rows.start for rows in self.sequences[n][1:])
        captures = dict(self.captures)
        if "mask" in captures:
            captures["mask"] = formulas.BlockMask(np.repeat(captures["mask"][n].active, n + 1, axis=0), 64, 32)
        return formulas.Frame(n, h, queries, keys, captures)


def wanted(problem, n):
    """Output and log-sum-exp of one sequence."""
    function, sequence = problem.function, problem.sequences[n]
    decode = lambda array: element_types.decode(array, function.dtype)[sequence.batch : sequence.batch + 1]
    arrays = decode(problem.query)[:, :, sequence.queries], *(
        decode(array)[:, :, sequence.keys] for array in (problem.key, problem.value)
    )
    mask = lambda _, h: function.expression.holds(problem.frame(n, h))
    score = function.score and (lambda _, h, scores: function.score.formula(problem.frame(n, h), scores))
    return reference.attention(*arrays, mask, None, score)


def check(bench, artifact, function, heads, seed):
    problem = Problem(function, heads, seed)
    label = f"{function.name}, seed {seed}, {problem.sequences}"
    try:
        output, lse = bench.run(artifact, function, problem, "--verify")
    except workbench.subprocess.CalledProcessError as error:
        return bench.expect(False, label, f"the run ended with {error.returncode}:", error.stderr[-500:])
    output = element_types.decode(output, function.dtype)
    outside = np.ones(lse.shape, bool)
    for n, sequence in enumerate(problem.sequences):
        rows = (sequence.batch, slice(None), sequence.queries)
        outside[rows] = False
        expected, expected_lse = (array[0] for array in wanted(problem, n))
        values = element_types.decode(problem.value, function.dtype)[sequence.batch, :, sequence.keys]
        if expected.size:
            error = reference.output_error(output[rows], expected, values) if values.size else np.abs(output[rows]).max()
            bench.note(f"{label}: {n}", f"{function.dtype} output", error, reference.OUTPUT_TOLERANCE[function.dtype])
            error = reference.largest_difference(lse[rows].astype(np.float64), expected_lse)
            bench.note(f"{label}: {n}", f"{function.dtype} log-sum-exp", error, reference.LSE_TOLERANCE[function.dtype])
    bench.expect(np.isnan(output[outside]).all() and np.isnan(lse[outside]).all(), label, "rows outside are written")


def add_functions(bench):
    """All pairs of a pattern and a kind on the CPU; a third of them on simulated GPUs."""
    functions = []
    for offset, (name, expression) in enumerate(PATTERNS.items()):
        for place, kind in enumerate(KINDS):
            if not bench.on_cpu and (offset + place) % 3:
                continue
            score = [None, score_regions.alibi(), score_regions.integer_table()][(offset + 2 * place) % 3]
            dtype = bench.dtypes[(offset + place) % len(bench.dtypes)]
            head_size = (32, 64)[place % 2]
            functions.append(Function(f"{name}_{kind}_{dtype}", dtype, head_size, True, expression, score, kind))
    return functions


def main():
    bench, _ = workbench.start()
    functions = add_functions(bench)
    artifact = bench.compile(Module(functions), name="sequences")
    for number, function in enumerate(functions):
        for seed in range(3 if bench.on_cpu else 1):
            check(bench, artifact, function, heads=2 * (1 + number % 2), seed=10 * number + seed)
    bench.finish()


main()
