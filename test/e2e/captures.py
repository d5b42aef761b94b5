# Captured numbers and arrays: all that patterns accept, sensible or not.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import numpy as np

import workbench
from expressions import (
    PER_BATCH, PER_POSITION, causal, chunk, complement, global_tokens, intersect, keys, predicate, queries, random,
    same_document, stride, union, window,
)  # fmt: skip
from workbench import Module, Problem, Sizes

# Functions, and the values that their captures take.
NUMBERS = {
    "window": (window("a", "b"), [(0, 0), (5, 70), (-3, 9), (9, -3), (-5, 2), (2**40, 0), (0, 2**62), (-(2**62), 4)]),
    "window_left": (window("a"), [(0,), (64,), (-40,), (2**31,), (-(2**63),)]),
    "keys": (keys("a"), [(0,), (1,), (64,), (2**62,)]),
    "queries": (queries("a"), [(0,), (70,), (2**62,)]),
    "global": (global_tokens("a"), [(0,), (3,), (2**62,)]),
    "chunk": (chunk("a"), [(1,), (16,), (100,), (2**62,)]),
    "stride": (stride("a"), [(1,), (3,), (64,), (2**62,)]),
    "random": (random("a", 16, 5), [(0,), (2,), (2**62,)]),
    "shared": (union(window("a", "b"), keys("b"), intersect(chunk("a"), causal())), [(4, 9), (80, 0)]),
    "complement": (complement(window("a", "b")), [(4, 9), (-5, 2), (2**62, 2**62)]),
}
SHAPES = (Sizes(1, 2, 1, 100, 100), Sizes(2, 1, 1, 90, 40), Sizes(1, 1, 1, 20, 150))


def ahead_of_id():
    """Reads at an index that arithmetic computes, partly outside the array."""
    return predicate(
        f"""%shift = sparse_attn.read %ids[%k] : {PER_POSITION}
            %distance = arith.index_cast %shift : i32 to index
            %position = arith.addi %q, %distance : index
            %other = sparse_attn.read %ids[%position] : {PER_POSITION}
            %attends = arith.cmpi sge, %other, %shift : i32""",
        ahead_of_id_formula,
        {"ids": PER_POSITION},
    )


def ahead_of_id_formula(frame):
    shift, inside = frame.read("ids", frame.k)
    other, other_inside = frame.read("ids", frame.q + shift)
    return inside & other_inside & (other >= shift)


def two_arrays():
    """A number for each query against one for each key, of arrays of their own."""
    return predicate(
        f"""%left = sparse_attn.read %ids[%q] : {PER_POSITION}
            %right = sparse_attn.read %batch_ids[%b, %k] : {PER_BATCH}
            %attends = arith.cmpi sle, %left, %right : i32""",
        two_arrays_formula,
        {"ids": PER_POSITION, "batch_ids": PER_BATCH},
    )


def two_arrays_formula(frame):
    left, left_inside = frame.read("ids", frame.q)
    right, right_inside = frame.read("batch_ids", frame.k)
    return left_inside & right_inside & (left <= right)


ARRAYS = {
    "document": same_document("ids"),
    "document_of_batch": same_document("batch_ids", per_batch=True),
    "elsewhere": complement(same_document("ids")),
    "ahead_of_id": ahead_of_id(),
    "two_arrays": two_arrays(),
}


def array_kinds(generator, length):
    """Contents by name, from arrays as long as the keys to none at all."""
    extremes = np.array([np.iinfo(np.int32).min, -1, 0, 1, np.iinfo(np.int32).max], np.int32)
    return {
        "ascending": np.cumsum(generator.random(length) < 0.05).astype(np.int32),
        "shuffled": generator.integers(-3, 4, length).astype(np.int32),
        "extreme": generator.choice(extremes, length),
        "all equal": np.full(length, -7, np.int32),
        "all different": generator.permutation(length).astype(np.int32),
        "too short": np.arange(length // 2, dtype=np.int32) // 9,
        "too long": np.arange(length + 99, dtype=np.int32) // 9,
        "one element": np.full(1, 5, np.int32),
        "empty": np.zeros(0, np.int32),
    }


def has_turn(bench, number, seed, share):
    """On a simulated GPU, does case `number` take part in the run of this seed? One in `share` of all does."""
    return bench.on_cpu or (number + seed) % share == 0


def main():
    bench, _ = workbench.start()
    module = Module()
    dtype = bench.dtypes[0]
    numbers = [(module.add(name, expression, dtype), values) for name, (expression, values) in NUMBERS.items()]
    arrays = [module.add(name, expression, dtype) for name, expression in ARRAYS.items()]
    artifact = bench.compile(module)
    for seed, sizes in enumerate(SHAPES, start=1):
        print(f"{sizes}, seed {seed}")
        cases = [(function, values) for function, tuples in numbers for values in tuples]
        for number, (function, values) in enumerate(cases):
            if has_turn(bench, number, seed, len(SHAPES)):
                problem = Problem(function, sizes, seed, dict(zip(("a", "b"), values)))
                bench.check(f"{function.name} {values}, {sizes}", artifact, function, problem)
        generator = np.random.default_rng(seed)
        for number, (kind, ids) in enumerate(array_kinds(generator, sizes.keys).items()):
            captures = {"ids": ids, "batch_ids": np.stack([np.roll(ids, 3 * b) for b in range(sizes.batch)])}
            for place, function in enumerate(arrays):
                if has_turn(bench, number + place, seed, len(SHAPES)):
                    label = f"{function.name}, {kind}, {sizes}"
                    bench.check(label, artifact, function, Problem(function, sizes, seed, captures))
    bench.finish()


main()
