# NaN and infinity: what attends propagates as in the reference.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# What does not attend changes nothing, wherever it lies. On GPUs that holds of scores; a value that is not finite, though,
# is multiplied by a weight of 0 where its tile is visited, which spoils a row, so that there only `dense` gets such values.

import numpy as np

import workbench
from expressions import causal, chunk, dense, stride, window
from oracle import element_types
from workbench import Module, Problem, Sizes

EXPRESSIONS = {"dense": dense(), "causal": causal(), "window": window(20, 5), "stride": stride(8), "chunk": chunk(24)}
SIZES = Sizes(1, 2, 1, 100, 150)
TILE = 32
COLUMN = 7  # of the value that is not finite


def put(array, dtype, index, value):
    array[index] = element_types.encode(np.array([value]), dtype)[0]


def nan_in_query(p, dtype):
    put(p.query, dtype, (0, 1, 17, 3), np.nan)


def nan_in_first_and_last_query(p, dtype):
    put(p.query, dtype, (0, 0, 0, 0), np.nan)
    put(p.query, dtype, (0, 0, -1, -1), np.nan)


def nan_in_key(p, dtype):
    put(p.key, dtype, (0, 0, 70, 5), np.nan)


def nan_in_last_key(p, dtype):
    put(p.key, dtype, (0, 0, -1, -1), np.nan)


def infinity_in_query(p, dtype):
    put(p.query, dtype, (0, 0, 30, 2), np.inf)


def infinity_in_key(p, dtype):
    put(p.key, dtype, (0, 0, 60, 9), np.inf)


def minus_infinity_in_keys(p, dtype):
    put(p.key, dtype, (0, 0, slice(20, 120), 9), -np.inf)


def opposite_infinities(p, dtype):
    put(p.key, dtype, (0, 0, 64, 1), np.inf)
    put(p.key, dtype, (0, 0, 64, 2), -np.inf)


def no_finite_score(p, dtype):
    """Every score of head 0 is -inf: zeros, and a log-sum-exp of -inf."""
    put(p.query, dtype, (0, 0, slice(None), 0), 1.0)
    put(p.key, dtype, (0, 0, slice(None), 0), -np.inf)
    put(p.query, dtype, (0, 1, slice(None), 0), -1.0)


def no_finite_score_in_first_tile(p, dtype):
    """The running maximum is -inf for a while, then not."""
    put(p.query, dtype, (0, slice(None), slice(None), 0), 1.0)
    put(p.key, dtype, (0, 0, slice(0, 70), 0), -np.inf)


def nan_after_infinity(p, dtype):
    put(p.key, dtype, (0, 0, 10, 0), np.inf)
    put(p.key, dtype, (0, 0, 100, 0), np.nan)


SCORES = (
    nan_in_query, nan_in_first_and_last_query, nan_in_key, nan_in_last_key, infinity_in_query, infinity_in_key,
    minus_infinity_in_keys, opposite_infinities, no_finite_score, no_finite_score_in_first_tile, nan_after_infinity,
)  # fmt: skip
VALUES = {"nan": np.nan, "infinity": np.inf, "minus infinity": -np.inf}


def main():
    bench, _ = workbench.start()
    module = Module()
    functions = [module.add(f"{n}_{dtype}", e, dtype) for n, e in EXPRESSIONS.items() for dtype in bench.dtypes]
    tile_q = max(TILE, bench.device.least_tile[0])
    artifact = bench.compile(module, f"--tile-q={tile_q}", f"--tile-k={TILE}")
    for seed, spoil in enumerate(SCORES, start=1):
        print(f"{spoil.__name__}: {SIZES}, seed {seed}")
        for function in functions if bench.on_cpu else functions[seed % 2 :: 2]:
            problem = Problem(function, SIZES, seed)
            spoil(problem, function.dtype)
            bench.check(f"{function.name}, {spoil.__name__}", artifact, function, problem)
    for seed, (what, value) in enumerate(VALUES.items(), start=101):
        for key in (0, 63, 75, 149):
            print(f"{what} in value {key}: {SIZES}, seed {seed}")
            for function in functions if bench.on_cpu else functions[: len(bench.dtypes)]:
                problem = Problem(function, SIZES, seed)
                put(problem.value, function.dtype, (0, 0, key, COLUMN), value)
                bench.check(f"{function.name}, {what} in value {key}", artifact, function, problem)
    bench.finish()


main()
