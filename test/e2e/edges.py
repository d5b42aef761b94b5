# Sequences of length 0 and 1, rows and heads without keys, and bits that do not depend on threads or runs.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import numpy as np

import workbench
from catalogue import PATTERNS, captures
from expressions import complement, dense, intersect, keys, queries, window
from workbench import Module, Problem, Sizes

EXPRESSIONS = {
    "dense": dense(),
    "causal_window": window(10, 0),
    "nobody": complement(dense()),
    "no_keys": keys(0),
    "no_queries": queries(0),
    "far_ahead": window(-1000, 2000),
    "rows_without_keys": intersect(window(3, 3), keys(9)),
    "packed": PATTERNS["packed"],
    "random": PATTERNS["random"],
}
LENGTHS = (
    Sizes(1, 1, 1, 1, 1),
    Sizes(2, 2, 1, 1, 65),
    Sizes(1, 2, 2, 65, 1),
    Sizes(1, 1, 1, 2, 3),
    Sizes(1, 2, 1, 5, 0),
    Sizes(1, 2, 1, 0, 5),
    Sizes(1, 1, 1, 0, 0),
    Sizes(0, 2, 1, 9, 9),
    Sizes(2, 0, 0, 9, 9),
)


def check_lengths(bench, artifact, functions):
    for seed, sizes in enumerate(LENGTHS, start=1):
        print(f"{sizes}, seed {seed}")
        for function in functions:
            problem = Problem(function, sizes, seed, captures(seed, sizes))
            bench.check(f"{function.name}, {sizes}", artifact, function, problem)


def check_empty_rows(bench, artifact, functions):
    """Zeros and -inf, exactly; positive zeros, so that files compare equal."""
    sizes, seed = Sizes(1, 1, 1, 100, 40), 77
    print(f"rows without keys: {sizes}, seed {seed}")
    for function in functions:
        problem = Problem(function, sizes, seed, captures(seed, sizes))
        results = bench.check(f"{function.name}, {sizes}", artifact, function, problem)
        empty = ~function.expression.holds(problem.frame(0, 0)).any(axis=1)
        if results is None:
            continue
        output, lse = results
        everyone = function.name.startswith(("dense", "random"))
        bench.expect(everyone or empty.any(), f"{function.name}: expects rows without keys")
        bench.expect(not output[0, 0, empty].view(np.uint8).any(), f"{function.name}: expects bits of 0 in empty rows")
        bench.expect(np.isneginf(lse[0, 0, empty]).all(), f"{function.name}: expects -inf in empty rows")


def check_bits(bench, artifact, functions):
    """On a simulated GPU it is the order of its threads that changes from run to run."""
    sizes, seed = Sizes(2, 3, 1, 300, 350) if bench.on_cpu else Sizes(2, 2, 1, 90, 150), 88
    print(f"bits: {sizes}, seed {seed}")
    for function in functions:
        problem = Problem(function, sizes, seed, captures(seed, sizes))
        threads = (1, 2, 2, 1, 7) if bench.on_cpu else (1, 2, 1)
        runs = [bench.check(f"{function.name}, bits", artifact, function, problem, f"--threads={n}") for n in threads]
        if None in runs:
            continue
        for output, lse in runs[1:]:
            same = output.tobytes() == runs[0][0].tobytes() and lse.tobytes() == runs[0][1].tobytes()
            bench.expect(same, f"{function.name}: expects the same bits from every run and number of threads")


def main():
    bench, _ = workbench.start()
    module = Module()
    functions = [
        module.add(f"{name}_{dtype}", expression, dtype)
        for number, (name, expression) in enumerate(EXPRESSIONS.items())
        for dtype in (("f32", "bf16") if bench.on_cpu else bench.dtypes[number % 2 :][:1])
    ]
    artifact = bench.compile(module)
    check_lengths(bench, artifact, functions)
    check_empty_rows(bench, artifact, functions)
    check_bits(bench, artifact, functions)
    bench.finish()


main()
