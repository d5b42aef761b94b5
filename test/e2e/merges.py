# Merged results: one softmax over the keys of several branches, each as often as branches see it.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The formula here knows no log-sum-exps to be joined: the scores of all branches stand side by side, and a partial
# result that is given is one more key, whose score is its log-sum-exp and whose value is its output.

import collections
import functools
import math

import numpy as np

import workbench
from expressions import causal, dense, intersect, keys, random, stride, union, window
from oracle import element_types, formulas, reference
from workbench import Problem, Sizes

# One attention: a pattern, which of two pairs of keys and values it reads, and whether its scores get a bias.
Branch = collections.namedtuple("Branch", "pattern arrays biased", defaults=(1, False))

# `given` says whether a partial result is an argument, and `sums` whether the log-sum-exp is a result.
Merge = collections.namedtuple("Merge", "branches given sums head_size", defaults=(False, True, 32))

NEAR, WIDE, DILATED = window(20, 5), window(60, 0), intersect(window(64, 64), stride(8))
IN_TWO_PARTS = union(window(12, 0), intersect(causal(), stride(16)))  # the dilated one comes second
BIAS = 0.0625  # for each position from the query to the key; exact in every type

MERGES = {
    "windows": Merge([Branch(NEAR), Branch(WIDE)]),
    "three": Merge([Branch(window(20, 0)), Branch(intersect(causal(), stride(8))), Branch(keys(3))]),
    "one": Merge([Branch(NEAR)]),
    "split": Merge([Branch(dense()), Branch(window(30, 0), arrays=2)]),
    "ring": Merge([Branch(causal())], given=True),
    "ring_of_two": Merge([Branch(window(10, 0)), Branch(keys(5), arrays=2)], given=True),
    "listed": Merge([Branch(NEAR), Branch(random(2, 16, 5))]),
    "listed_first": Merge([Branch(random(1, 16, 5)), Branch(NEAR)], given=True),
    "classes": Merge([Branch(NEAR), Branch(DILATED)]),
    "classes_alone": Merge([Branch(DILATED), Branch(intersect(causal(), stride(3)))], given=True),
    "parts": Merge([Branch(NEAR), Branch(IN_TWO_PARTS, biased=True)], given=True),
    "biased": Merge([Branch(WIDE, biased=True), Branch(NEAR), Branch(keys(9), biased=True)]),
    "output_alone": Merge([Branch(NEAR), Branch(keys(40))], sums=False),
    "narrow": Merge([Branch(WIDE), Branch(NEAR, arrays=2)], given=True, head_size=80),
}
SHAPES = (Sizes(1, 2, 1, 100, 150), Sizes(2, 4, 2, 90, 40), Sizes(1, 3, 3, 37, 37), Sizes(1, 2, 2, 1, 130))
OTHER_KEYS = 70  # of the second pair

# What Workbench.run needs to know of a function.
Function = collections.namedtuple("Function", "name dtype head_size lse expression merge")


def make_function(name, merge, dtype):
    return Function(f"{name}_{dtype}", dtype, merge.head_size, merge.sums, merge.branches[0].pattern, merge)


class Module:
    def __init__(self, functions):
        self.functions = functions

    def text(self):
        return "\n".join(function_text(function) for function in self.functions)


def function_text(f):
    array, sums = f"tensor<?x?x?x{f.head_size}x{f.dtype}>", "tensor<?x?x?xf32>"
    lines, patterns, partials = [], [], ["(%po, %pl)"] * f.merge.given
    for number, branch in enumerate(f.merge.branches):
        patterns.append(branch.pattern.pattern(f"{f.name}_{number}"))
        suffix = "" if branch.arrays == 1 else "2"
        lines.append(
            f"  %o{number}, %l{number} = sparse_attn.attention %q, %k{suffix}, %v{suffix} pattern(@{f.name}_{number})"
            f"{SCORE if branch.biased else ''} : ({array}, {array}, {array}) -> ({array}, {sums})"
        )
        partials.append(f"(%o{number}, %l{number})")
    names = ["q", "k", "v"] + ["k2", "v2"] * has_second(f.merge) + ["po"] * f.merge.given
    arguments = [f"%{name}: {array}" for name in names] + [f"%pl: {sums}"] * f.merge.given
    results, types = ("%o, %l", f"{array}, {sums}") if f.merge.sums else ("%o", array)
    return "\n".join([
        *patterns, f"func.func @{f.name}({', '.join(arguments)}) -> ({types}) {{", *lines,
        f"  %o, %l = sparse_attn.merge {', '.join(partials)} : {array}, {sums}", f"  return {results} : {types}", "}",
    ])  # fmt: skip


SCORE = f""" score (%s, %b, %h, %i, %j) {{
    %factor   = arith.constant {BIAS} : f32
    %distance = arith.subi %j, %i : index
    %integer  = arith.index_cast %distance : index to i32
    %number   = arith.sitofp %integer : i32 to f32
    %bias     = arith.mulf %number, %factor : f32
    %biased   = arith.addf %s, %bias : f32
    sparse_attn.yield %biased : f32
  }}"""


def has_second(merge):
    return any(branch.arrays == 2 for branch in merge.branches)


def make_problem(function, sizes, seed):
    """The partial result of every third row is empty: -inf, and an output that nobody may look at."""
    problem = Problem(function, sizes, seed)
    generator = np.random.default_rng(1000 + seed)
    draw = lambda shape: element_types.encode(generator.standard_normal(shape), function.dtype)
    query = problem.query.shape
    if has_second(function.merge):
        shape = (*problem.key.shape[:2], OTHER_KEYS, query[3])
        problem.captures.update(k2=draw(shape), v2=draw(shape))
    if function.merge.given:
        output, sums = draw(query), 3 * generator.standard_normal(query[:3]).astype(np.float32)
        output[:, :, ::3] = element_types.encode(np.array(np.nan), function.dtype)
        sums[:, :, ::3] = -np.inf
        problem.captures.update(po=output, pl=sums)
    return problem


def wanted(function, problem):
    """Output and log-sum-exp by the formula."""
    decode = lambda array: element_types.decode(array, function.dtype)
    query = decode(problem.query)
    pairs = {1: (decode(problem.key), decode(problem.value))}
    if has_second(function.merge):
        pairs[2] = (decode(problem.captures["k2"]), decode(problem.captures["v2"]))
    output, lse = np.zeros(query.shape), np.full(query.shape[:3], -np.inf)
    group = problem.sizes.heads // problem.sizes.key_heads
    for b, h, i in np.ndindex(*query.shape[:3]):
        scores, values = [], []
        for branch in function.merge.branches:
            key, value = (array[b, h // group] for array in pairs[branch.arrays])
            chosen = np.flatnonzero(attends(branch.pattern, b, h, problem.sizes.queries, len(key))[i])
            distance = chosen - (i + len(key) - problem.sizes.queries)
            scores.append(key[chosen] @ query[b, h, i] / math.sqrt(query.shape[3]) + BIAS * branch.biased * distance)
            values.append(value[chosen])
        if function.merge.given and np.isfinite(problem.captures["pl"][b, h, i]):
            scores.append([problem.captures["pl"][b, h, i]])
            values.append(decode(problem.captures["po"])[b, h, i][None])
        output[b, h, i], lse[b, h, i] = softmax(np.concatenate(scores), np.concatenate(values))
    return output, lse


@functools.lru_cache(maxsize=None)
def attends(pattern, *frame):
    """The mask of one head, which is made once for all its rows."""
    return pattern.holds(formulas.Frame(*frame))


def softmax(scores, values):
    if scores.size == 0:
        return 0.0, -np.inf
    maximum = np.max(scores)
    weights = np.exp(scores - maximum)
    return weights @ values / np.sum(weights), maximum + np.log(np.sum(weights))


def compare(bench, label, function, problem, output, lse):
    expected, expected_lse = wanted(function, problem)
    values = [problem.value, *(problem.captures[name] for name in ("v2",) if name in problem.captures)]
    values = np.concatenate([element_types.decode(value, function.dtype).ravel() for value in values])
    error = reference.output_error(element_types.decode(output, function.dtype), expected, values)
    bench.note(label, f"{function.dtype} output", error, reference.OUTPUT_TOLERANCE[function.dtype])
    if lse is not None:
        error = reference.largest_difference(lse.astype(np.float64), expected_lse)
        bench.note(label, f"{function.dtype} log-sum-exp", error, reference.LSE_TOLERANCE[function.dtype])


def check(bench, label, artifact, function, problem):
    try:
        output, lse = bench.run(artifact, function, problem)
    except workbench.subprocess.CalledProcessError as error:
        return bench.expect(False, label, f"the run ended with {error.returncode}:", error.stderr[-500:])
    compare(bench, label, function, problem, output, lse)


def check_not_finite(bench, artifacts):
    """A value that is not finite makes the CPU run a query tile once more, from a partial result that must still be
    there; it spoils the rows that attend to it, and no others."""
    for name in ("windows", "three", "split", "classes", "parts", "listed_first", "ring_of_two", "narrow"):
        for dtype in bench.dtypes:
            function = make_function(name, MERGES[name], dtype)
            for seed, (key, value) in enumerate(((75, np.nan), (149, np.inf), (2, -np.inf)), start=201):
                problem = make_problem(function, SHAPES[0], seed)
                problem.value[0, 0, key, 7] = element_types.encode(np.array(value), dtype)
                check(bench, f"{function.name}, {value} in value {key}", artifacts[dtype], function, problem)


def main():
    bench, _ = workbench.start()
    artifacts, functions = {}, []
    for dtype in bench.dtypes:
        own = [make_function(name, merge, dtype) for name, merge in MERGES.items()]
        artifacts[dtype] = bench.compile(Module(own), name=f"merges_{dtype}")
        functions += own
    for seed, sizes in enumerate(SHAPES, start=1):
        print(f"{sizes}, seed {seed}")
        for number, function in enumerate(functions):
            if bench.on_cpu or number % len(SHAPES) == seed - 1 or seed == 1:
                problem = make_problem(function, sizes, seed)
                check(bench, f"{function.name}, {sizes}", artifacts[function.dtype], function, problem)
    if bench.on_cpu:
        check_not_finite(bench, artifacts)
    bench.finish()


main()
