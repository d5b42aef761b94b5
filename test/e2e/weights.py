# Attention weights of the visited blocks, and their column sums.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The weights wanted are exp(score - log-sum-exp) in float64, of the log-sum-exp that the function returns, which is
# compared with that of the formula itself.

import collections
import functools
import itertools
import math

import numpy as np

import score_regions
import workbench
from catalogue import documents
from expressions import blocks, causal, complement, dense, intersect, per_head, random, same_document, stride, union, window
from oracle import element_types, formulas, reference
from workbench import Sizes

# A pattern, which of two arrays of keys it reads, and whether all of its visited blocks hold an attending pair.
Part = collections.namedtuple("Part", "pattern arrays is_tight score", defaults=(1, False, None))

# The parts of a function share one softmax.
CASES = {
    "dense": [Part(dense(), is_tight=True)],
    "causal": [Part(causal(), is_tight=True)],
    "window": [Part(window(37, 11), is_tight=True)],
    "ahead": [Part(window(-3, 40), is_tight=True)],  # The last rows attend to nothing.
    "stride": [Part(intersect(causal(), stride(7)))],
    "columns": [Part(union(window(12, 0), intersect(causal(), stride(16))))],
    "heads": [Part(per_head(causal(), window(30, 30)))],
    "random": [Part(random(2, 16, 5))],
    "document": [Part(intersect(causal(), same_document("ids")))],
    "mask": [Part(blocks("mask", 64, 32))],
    "masked_window": [Part(intersect(blocks("mask", 64, 32), window(70, 0)))],
    "complement": [Part(complement(window(40, 40)), is_tight=True)],
    "alibi": [Part(causal(), is_tight=True, score=score_regions.alibi())],
    "listed_alibi": [Part(random(3, 16, 9), score=score_regions.alibi())],
    "merged": [Part(window(20, 5), is_tight=True), Part(dense(), arrays=2, is_tight=True)],
    "merged_lists": [Part(random(2, 16, 5)), Part(causal(), arrays=2, score=score_regions.alibi())],
}
BLOCKS = ((64, 64), (32, 32), (16, 64), (128, 64), (48, 24))
SHAPES = (Sizes(2, 4, 2, 150, 210), Sizes(1, 2, 2, 64, 128), Sizes(1, 3, 1, 120, 50))
EDGES = (Sizes(1, 2, 1, 1, 1), Sizes(1, 2, 1, 1, 131), Sizes(1, 2, 2, 70, 1), Sizes(1, 2, 1, 0, 40),
         Sizes(1, 2, 1, 40, 0), Sizes(0, 2, 1, 33, 40))  # fmt: skip
OTHER_KEYS = 70  # of the second array

WEIGHT_TOLERANCE = {"f32": 2e-6, "f16": 2e-3, "bf16": 2e-3}
ROW_SUM_TOLERANCE = {"f32": 2e-5, "f16": 5e-3, "bf16": 5e-3}

# What Workbench.run needs to know of a function.
Function = collections.namedtuple("Function", "name dtype head_size lse parts block")

Weights = collections.namedtuple("Weights", "offsets indices values sums")


class Module:
    def __init__(self, functions):
        self.functions = functions

    def text(self):
        return "\n".join(function_text(function) for function in self.functions)


def captures_of(parts):
    names = {}
    for part in parts:
        names.update(part.pattern.captures)
        names.update(part.score.captures if part.score else {})
    return names


def function_text(f):
    array, lse = f"tensor<?x?x?x{f.head_size}x{f.dtype}>", "tensor<?x?x?xf32>"
    of_weights = ("tensor<?xi64>", "tensor<?x2xi32>", f"tensor<?x{f.block[0]}x{f.block[1]}xf32>")
    patterns, attentions, weights = [], [], []
    results, types = ["%o", "%l"], [array, lse]
    for n, part in enumerate(f.parts):
        key, value = ("%k", "%v") if part.arrays == 1 else ("%k2", "%v2")
        patterns.append(part.pattern.pattern(f"{f.name}_{n}"))
        names, kinds = ", ".join(f"%{c}" for c in part.pattern.captures), ", ".join(part.pattern.captures.values())
        use = f"pattern(@{f.name}_{n}" + (f"({names}) : ({kinds})" if names else "") + ")"
        use += f" {part.score.text()}" if part.score else ""
        attentions.append(
            f"  %o{n}, %l{n} = sparse_attn.attention %q, {key}, {value} {use} : ({array}, {array}, {array})"
            f" -> ({array}, {lse})"
        )
        inputs = f"%q, {key}, %l {use} : ({array}, {array}, {lse})"
        weights.append(f"  %p{n}, %i{n}, %w{n} = sparse_attn.weights {inputs} -> ({', '.join(of_weights)})")
        weights.append(f"  %s{n} = sparse_attn.column_sums {inputs} -> {lse}")
        results += [f"%p{n}", f"%i{n}", f"%w{n}", f"%s{n}"]
        types += [*of_weights, lse]
    partials = ", ".join(f"(%o{n}, %l{n})" for n in range(len(f.parts)))
    names = ["q", "k", "v"] + ["k2", "v2"] * has_second(f.parts)
    arguments = [f"%{name}: {array}" for name in names]
    arguments += [f"%{name}: {kind}" for name, kind in captures_of(f.parts).items()]
    return "\n".join([
        *patterns, f"func.func @{f.name}({', '.join(arguments)}) -> ({', '.join(types)}) {{", *attentions,
        f"  %o, %l = sparse_attn.merge {partials} : {array}, {lse}", *weights,
        f"  return {', '.join(results)} : {', '.join(types)}", "}",
    ])  # fmt: skip


def has_second(parts):
    return any(part.arrays == 2 for part in parts)


class Problem(workbench.Problem):
    def __init__(self, function, sizes, seed):
        generator = np.random.default_rng(1000 + seed)
        grid = (1, sizes.heads, -(-sizes.queries // 64), -(-sizes.keys // 32))
        values = {
            "ids": documents(generator, sizes.keys),
            "slopes": 2.0 ** -np.arange(2, 2 + sizes.heads, dtype=np.float32),
            "mask": formulas.BlockMask(generator.random(grid) < 0.5, 64, 32),
        }
        super().__init__(Captures(function, captures_of(function.parts)), sizes, seed, values)
        self.keys = {1: self.key}
        if has_second(function.parts):
            shape = (sizes.batch, sizes.key_heads, OTHER_KEYS, function.head_size)
            draw = lambda: element_types.encode(generator.standard_normal(shape), function.dtype)
            self.captures.update(k2=draw(), v2=draw())
            self.keys[2] = self.captures["k2"]


# A function, with the names of what it captures.
class Captures:
    def __init__(self, function, captures):
        self.dtype, self.head_size, self.captures = function.dtype, function.head_size, captures


def scores_of(function, part, problem, b, h):
    """Scores of one head in float64, and which pairs attend."""
    decode = lambda array: element_types.decode(array, function.dtype)
    query, key = decode(problem.query)[b, h], decode(problem.keys[part.arrays])
    key = key[b, h // (problem.sizes.heads // key.shape[1])]
    frame = formulas.Frame(b, h, len(query), len(key), problem.captures)
    scores = query @ key.T / math.sqrt(function.head_size)
    return part.score.formula(frame, scores) if part.score else scores, part.pattern.holds(frame)


def wanted_log_sum_exps(function, problem):
    wanted = np.full(problem.query.shape[:3], -np.inf)
    for b, h in np.ndindex(*wanted.shape[:2]):
        heads = [scores_of(function, part, problem, b, h) for part in function.parts]
        masked = np.concatenate([np.where(attends, scores, -np.inf) for scores, attends in heads], axis=1)
        wanted[b, h] = functools.reduce(np.logaddexp, masked.T, wanted[b, h])
    return wanted


def run(bench, artifact, function, problem, threads):
    """Output, log-sum-exp and the visited tiles of all steps; the weights of each part."""
    folders = [bench.folder / f"weights_{n}" for n in range(len(function.parts))]
    options = [f"--threads={threads}"]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        options += [f"--weights={folder}", f"--column-sums={folder / 'sums.npy'}"]
    output, lse, tiles, _ = bench.run(artifact, function, problem, *options, tiles=True)
    return output, lse, tiles, [Weights(*(np.load(folder / f"{n}.npy") for n in Weights._fields)) for folder in folders]


class Checker:
    """The weights of one part of a function."""

    def __init__(self, bench, label, function, part, problem, lse):
        self.bench, self.label, self.function = bench, label, function
        self.part, self.problem, self.lse = part, problem, lse.astype(np.float64)
        queries, keys = problem.query.shape[2], problem.keys[part.arrays].shape[2]
        self.sizes = queries, keys
        self.grid = tuple(-(-size // block) for size, block in zip(self.sizes, function.block))

    def check(self, weights):
        """Returns the sum over the keys, by row; None where the blocks are not what they should be."""
        heads, sums = self.problem.query.shape[:2], np.zeros(self.lse.shape)
        count = math.prod(heads)
        sound = (
            weights.offsets.dtype == np.int64 and weights.indices.dtype == np.int32
            and weights.values.dtype == weights.sums.dtype == np.float32
            and weights.offsets.shape == (count + 1,) and weights.offsets[0] == 0 and (np.diff(weights.offsets) >= 0).all()
            and weights.indices.shape == (weights.offsets[-1], 2)
            and weights.values.shape == (weights.offsets[-1], *self.function.block)
            and weights.sums.shape == (*heads, self.sizes[1])
        )  # fmt: skip
        if not self.bench.expect(sound, self.label, "types and sizes", *(array.shape for array in weights)):
            return None
        for number, (b, h) in enumerate(np.ndindex(*heads)):
            span = slice(*weights.offsets[number : number + 2])
            sums[b, h] = self.check_head(b, h, weights.indices[span], weights.values[span], weights.sums[b, h])
        return sums

    def check_head(self, b, h, indices, values, column_sums):
        expect = lambda condition, *what: self.bench.expect(condition, self.label, f"batch {b}, head {h}:", *what)
        scores, attends = scores_of(self.function, self.part, self.problem, b, h)
        attends = np.broadcast_to(attends, self.sizes)
        places = [tuple(place) for place in indices]
        expect(places == sorted(set(places)), "blocks are not sorted, or there twice")
        if not expect(all(0 <= r < self.grid[0] and 0 <= c < self.grid[1] for r, c in places), "a block is outside"):
            return 0
        got, there = self.spread(places, values)
        padded = np.zeros(got.shape, bool)
        padded[: self.sizes[0], : self.sizes[1]] = attends
        expect(there[padded].all(), "an attending pair lies in no block")
        expect((got[~padded] == 0).all(), "a pair that does not attend, or does not exist, has a weight")
        if self.part.is_tight:
            rows, columns = self.function.block
            any_attends = padded.reshape(self.grid[0], rows, self.grid[1], columns).any(axis=(1, 3))
            expect(set(places) == set(map(tuple, np.argwhere(any_attends))), "a block holds no attending pair")
        got = got[: self.sizes[0], : self.sizes[1]].astype(np.float64)
        shifted = np.where(attends, scores, -np.inf) - np.where(np.isneginf(self.lse[b, h]), 0, self.lse[b, h])[:, None]
        wanted = np.exp(shifted)
        self.note("weight", got - wanted, 1)
        self.note("column sum", column_sums - wanted.sum(axis=0), np.maximum(1, wanted.sum(axis=0)))
        self.note("column sum of weights", column_sums - got.sum(axis=0), np.maximum(1, got.sum(axis=0)))
        return got.sum(axis=1)

    def spread(self, places, values):
        """The weights of all pairs, and which of them lie in a block."""
        rows, columns = self.function.block
        got = np.zeros((self.grid[0] * rows, self.grid[1] * columns), np.float32)
        there = np.zeros(got.shape, bool)
        for (row, column), block in zip(places, values):
            at = slice(row * rows, (row + 1) * rows), slice(column * columns, (column + 1) * columns)
            got[at], there[at] = block, True
        return got, there

    def note(self, what, difference, unit):
        error = float(np.max(np.abs(difference) / unit, initial=0.0))
        dtype = self.function.dtype
        self.bench.note(self.label, f"{dtype} {what}", error if error == error else np.inf, WEIGHT_TOLERANCE[dtype])


def check_tiles(bench, label, problem, tiles, weights):
    """A function of one part has three steps, of tiles of the size of a block: attention, which may go by residue classes,
    then weights and sums, which visit the blocks that are stored."""
    heads = problem.sizes.heads
    of_block = np.repeat(np.arange(len(weights.offsets) - 1), np.diff(weights.offsets))
    stored = np.column_stack([of_block // heads, of_block % heads, weights.indices])
    visits = tiles[len(tiles) - 2 * len(stored) :, :4]
    same = sorted(map(tuple, visits)) == sorted([*map(tuple, stored)] * 2)
    bench.expect(same, label, "blocks are not those that the kernels visit")


def check(bench, artifact, function, sizes, seed):
    label = f"{function.name}, {sizes}:"
    problem = Problem(function, sizes, seed)
    try:
        output, lse, tiles, parts = run(bench, artifact, function, problem, threads=1)
        others = run(bench, artifact, function, problem, threads=2)
    except workbench.subprocess.CalledProcessError as error:
        return bench.expect(False, label, f"the run ended with {error.returncode}:", error.stderr[-500:])
    one, two = ([output, lse, *itertools.chain(*parts)] for output, lse, _, parts in ((output, lse, tiles, parts), others))
    bench.expect(all(a.tobytes() == b.tobytes() for a, b in zip(one, two)), label, "threads change results")
    error = reference.largest_difference(lse.astype(np.float64), wanted_log_sum_exps(function, problem))
    bench.note(label, f"{function.dtype} log-sum-exp", error, reference.LSE_TOLERANCE[function.dtype])
    sums = 0
    for n, (part, weights) in enumerate(zip(function.parts, parts)):
        of_part = Checker(bench, f"{label} part {n}:", function, part, problem, lse).check(weights)
        if of_part is None:
            return
        sums = sums + of_part
    error = reference.largest_difference(sums, np.where(np.isneginf(lse), 0.0, 1.0))
    bench.note(label, f"{function.dtype} sum of a row", error, ROW_SUM_TOLERANCE[function.dtype])
    if len(function.parts) == 1:
        check_tiles(bench, label, problem, tiles, parts[0])


def functions_of(bench, number, block):
    """Two thirds of the cases, of all element types."""
    functions = []
    for offset, (name, parts) in enumerate(CASES.items()):
        has_mask = "mask" in captures_of(parts)
        if (offset + number) % 3 == 2 and not has_mask or has_mask and block == (48, 24):
            continue
        dtype = bench.dtypes[(offset + number // 2) % len(bench.dtypes)]
        head_size = (32, 64)[offset % 2]
        functions.append(Function(f"{name}_{dtype}", dtype, head_size, True, parts, block))
    return functions


def main():
    bench, _ = workbench.start()
    for number, block in enumerate(BLOCKS):
        functions = functions_of(bench, number, block)
        sizes = f"{block[0]}x{block[1]}"
        flags = (f"--tile-q={block[0]}", f"--tile-k={block[1]}")
        artifact = bench.compile(Module(functions), *flags, name=f"weights_{sizes}")
        print(f"blocks of {sizes}")
        for offset, function in enumerate(functions):
            check(bench, artifact, function, SHAPES[(number + offset) % len(SHAPES)], seed=10 * number + offset)
            edge = EDGES[(number + offset) % len(EDGES)]
            if "mask" not in captures_of(function.parts) or edge.queries * edge.keys:  # No file holds a mask of nothing.
                check(bench, artifact, function, edge, seed=10 * number + offset)
    bench.finish()


main()
