# The greatest score of each row, beside output and log-sum-exp, under schedules of every kind.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import collections
import math

import numpy as np

import score_regions
import workbench
from expressions import causal, dense, intersect, keys, random, stride, union, window
from oracle import element_types, reference
from workbench import Problem, Sizes

PATTERNS = {
    "dense": dense(),
    "causal": causal(),
    "window": window(20, 5),
    "classes": intersect(stride(7), window(150, 150)),
    "not_split": union(window(12, 0), intersect(causal(), stride(16))),  # a split knows no maximum of all scores
    "random": random(2, 16, 5),
    "first": intersect(causal(), keys(9)),  # of more queries than keys, some rows attend to nothing
}
SHAPES = (Sizes(1, 2, 1, 100, 150), Sizes(2, 4, 2, 90, 40), Sizes(1, 2, 2, 1, 130), Sizes(1, 1, 1, 70, 0))

Function = collections.namedtuple("Function", "name dtype head_size lse expression score scale captures")


class Module:
    def __init__(self, functions):
        self.functions = functions

    def text(self):
        return "\n".join(function_text(function) for function in self.functions)


def function_text(f):
    array, sums = f"tensor<?x?x?x{f.head_size}x{f.dtype}>", "tensor<?x?x?xf32>"
    arguments = [*((name, array) for name in "qkv"), *f.captures.items()]
    score = f" {f.score.text()}" if f.score else ""
    return f"""{f.expression.pattern(f.name + "_pattern")}
func.func @{f.name}({", ".join(f"%{name}: {kind}" for name, kind in arguments)}) -> ({array}, {sums}, {sums}) {{
  %o, %l, %m = sparse_attn.attention %q, %k, %v pattern(@{f.name}_pattern){score}
      : ({array}, {array}, {array}) -> ({array}, {sums}, {sums})
  return %o, %l, %m : {array}, {sums}, {sums}
}}
"""


def make_function(bench, number, name, expression):
    score = [None, score_regions.alibi(), score_regions.soft_cap(1.5)][number % 3]
    dtype = bench.dtypes[number % len(bench.dtypes)]
    captures = score.captures if score else {}
    return Function(f"{name}_{dtype}", dtype, (32, 64)[number % 2], True, expression, score, None, captures)


def maxima(function, problem):
    query, key = (element_types.decode(array, function.dtype) for array in (problem.query, problem.key))
    result = np.full(query.shape[:3], -np.inf)
    group = problem.sizes.heads // problem.sizes.key_heads
    for b, h in np.ndindex(*query.shape[:2]):
        frame = problem.frame(b, h)
        scores = query[b, h] @ key[b, h // group].T / math.sqrt(function.head_size)
        if function.score:
            scores = function.score.formula(frame, scores)
        masked = np.where(function.expression.holds(frame), scores, -np.inf)
        result[b, h] = np.max(masked, axis=1, initial=-np.inf)
    return result


def check(bench, artifact, function, sizes, seed):
    slopes = 2.0 ** -np.arange(2, 2 + sizes.heads, dtype=np.float32)
    problem = Problem(function, sizes, seed, {"slopes": slopes})
    label, path = f"{function.name}, {sizes}", bench.folder / "maxima.npy"
    try:
        output, lse = bench.run(artifact, function, problem, f"--row-max={path}", "--verify")
    except workbench.subprocess.CalledProcessError as error:
        return bench.expect(False, label, f"the run ended with {error.returncode}:", error.stderr[-500:])
    bench.compare(label, function, problem, output, lse)
    error = reference.largest_difference(np.load(path).astype(np.float64), maxima(function, problem))
    bench.note(label, f"{function.dtype} row maximum", error, reference.LSE_TOLERANCE[function.dtype])


def main():
    bench, _ = workbench.start()
    functions = [make_function(bench, number, *pattern) for number, pattern in enumerate(PATTERNS.items())]
    artifact = bench.compile(Module(functions), name="row_maximum")
    for seed, sizes in enumerate(SHAPES, start=1):
        for number, function in enumerate(functions):
            if bench.on_cpu or (number + seed) % 2 == 0:
                check(bench, artifact, function, sizes, seed)
    bench.finish()


main()
