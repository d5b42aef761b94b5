# Score regions against formulas in float64: biases, caps, tables of every rank, under schedules of every kind.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import numpy as np

import score_regions as scores
import workbench
from catalogue import documents
from expressions import blocks, causal, dense, intersect, per_head, same_document, stride, union, window
from oracle import element_types, formulas, reference
from workbench import Module, Problem, Sizes

SCORES = {
    "alibi": scores.alibi(),
    "soft_cap": scores.soft_cap(1.5),
    "relative_bias": scores.relative_bias(),
    "relative_bias_of_read": scores.relative_bias_of_read(),
    "never_beyond": scores.never_beyond(20),
    "temperature_of_batch": scores.temperature_of_batch(),
    "integer_table": scores.integer_table(),
    "full_bias": scores.full_bias(),
    "bias_of_query": scores.bias_of_query(),
    "no_product": scores.no_product(),
    "unchanged": scores.unchanged(),
    "constant": scores.constant(),
    "positions": scores.positions(),
}
# Ranges of tiles, a step, residue classes alone and beside others, and lists.
PATTERNS = {
    "dense": dense(),
    "causal": causal(),
    "columns": intersect(causal(), union(window(20, 0), stride(16))),
    "classes": intersect(stride(7), window(150, 150)),
    "heads": per_head(causal(), window(30, 30)),
    "listed": intersect(causal(), same_document("ids")),
    "blocks": blocks("mask", 64, 32),
}
SHAPES = (
    Sizes(1, 2, 2, 192, 192),
    Sizes(2, 2, 1, 77, 231),
    Sizes(2, 4, 2, 150, 101),
    Sizes(3, 2, 1, 1, 130),
    Sizes(1, 3, 3, 203, 203),
)
SHAPES_OF_SIMULATOR = (Sizes(2, 2, 1, 37, 149), Sizes(1, 2, 2, 150, 77), Sizes(2, 1, 1, 130, 130))


def captures(generator, sizes):
    """A value for every captured name."""
    draw_floats = lambda *shape: generator.standard_normal(shape).astype(np.float32)
    near = int(generator.integers(1, 40))
    rows = max(sizes.queries, sizes.keys)
    active = generator.random((1, sizes.heads, -(-sizes.queries // 64), -(-sizes.keys // 32)))
    return {
        "slopes": 2.0 ** -np.arange(2, 2 + sizes.heads, dtype=np.float32),
        "n": near,
        "table": draw_floats(sizes.heads, 2 * near + 1),
        "integers": generator.integers(-3, 4, (sizes.batch, sizes.keys), np.int32),
        "bias4": draw_floats(sizes.batch, sizes.heads, sizes.keys, sizes.keys),
        "bias3": draw_floats(rows, sizes.heads, sizes.keys),
        "ids": documents(generator, sizes.keys),
        "mask": formulas.BlockMask(active < 0.4, 64, 32),
    }


def short_captures(generator, sizes):
    """Arrays that end too soon or are empty, and numbers far outside of them."""
    draw_floats = lambda *shape: generator.standard_normal(shape).astype(np.float32)
    return {
        **captures(generator, sizes),
        "slopes": np.zeros(0, np.float32),
        "n": int(generator.choice([-1000, 0, 2**29, 2**40 + 3, -(2**40)])),
        "table": draw_floats(1, 5),
        "integers": np.full((1, 1), -2, np.int32),
        "bias4": draw_floats(1, 1, 3, max(sizes.keys // 2, 1)),
        "bias3": draw_floats(*generator.permutation([9, 5, 0])),
    }


def add_functions(bench):
    """Each pattern with some scores, so that all meet; the element types take turns."""
    module, number = Module(), 0
    for offset, (pattern, expression) in enumerate(PATTERNS.items()):
        for place, (name, score) in enumerate(SCORES.items()):
            if (place + offset) % (3 if bench.on_cpu else 5) == 0:
                dtype = bench.dtypes[number % len(bench.dtypes)]
                module.add(f"{name}_{pattern}_{dtype}", expression, dtype, head_size=(32, 64)[number % 2], score=score)
                number += 1
    return module


def check_shapes(bench, artifact, module):
    for seed, sizes in enumerate(SHAPES if bench.on_cpu else SHAPES_OF_SIMULATOR, start=1):
        print(f"{sizes}, seed {seed}")
        for number, function in enumerate(module.functions):
            if (number + seed) % 3 == 0:
                continue
            values = (short_captures if number % 4 == seed % 4 else captures)(np.random.default_rng(seed), sizes)
            problem = Problem(function, sizes, seed, values)
            bench.check(f"{function.name}, {sizes}", artifact, function, problem)


CHAIN = """{pattern}
func.func @chain(%q: {array}, %k: {array}, %v: {array}, %slopes: memref<?xf32>) -> {array} {{
  %one = sparse_attn.attention %q, %k, %v pattern(@chain_pattern) {first} : ({array}, {array}, {array}) -> {array}
  %two = sparse_attn.attention %one, %k, %v pattern(@chain_pattern) {second} : ({array}, {array}, {array}) -> {array}
  return %two : {array}
}}
"""


class Chain:
    """Two attentions, each with scores of its own, of which the second reads what the first makes. A module and its only
    function."""

    name, dtype, head_size, lse, scale, score = "chain", "f32", 32, False, None, None
    first, second, expression = scores.alibi(), scores.soft_cap(0.5), window(40, 15)
    captures = first.captures

    def __init__(self, dtype):
        self.dtype = dtype

    def text(self):
        array = f"tensor<?x?x?x{self.head_size}x{self.dtype}>"
        pattern = self.expression.pattern("chain_pattern")
        return CHAIN.format(pattern=pattern, array=array, first=self.first.text(), second=self.second.text())

    def wanted(self, problem):
        query, key, value = (element_types.decode(a, self.dtype) for a in (problem.query, problem.key, problem.value))
        mask = lambda b, h: self.expression.holds(problem.frame(b, h))
        for score in (self.first, self.second):
            formula = lambda b, h, s, score=score: score.formula(problem.frame(b, h), s)
            query = reference.attention(query, key, value, mask, None, formula)[0]
            query = element_types.decode(element_types.encode(query, self.dtype), self.dtype)
        return query


def check_chain(bench):
    for seed, dtype in enumerate(bench.dtypes, start=1):
        chain, sizes = Chain(dtype), Sizes(2, 2, 1, 70, 100)
        artifact = bench.compile(chain, name="chain")
        problem = Problem(chain, sizes, seed, captures(np.random.default_rng(seed), sizes))
        output = element_types.decode(bench.run(artifact, chain, problem)[0], dtype)
        error = reference.output_error(output, chain.wanted(problem), element_types.decode(problem.value, dtype))
        bench.note("two attentions", f"{dtype} output", error, 2 * reference.OUTPUT_TOLERANCE[dtype])


# They reach the region as they are, whether the tile that they stand in is masked or not.
NOT_FINITE = {"nan": np.nan, "infinity": np.inf, "minus infinity": -np.inf}


def check_not_finite(bench):
    """Products that are not finite."""
    module = Module()
    for place, score in enumerate((scores.soft_cap(2.0), scores.alibi(), scores.never_beyond(30))):
        for pattern in ("dense", "causal", "columns", "listed"):
            dtype = bench.dtypes[place % len(bench.dtypes)]
            module.add(f"not_finite_{place}_{pattern}", PATTERNS[pattern], dtype, score=score)
    artifact = bench.compile(module, name="not_finite")
    sizes = Sizes(1, 2, 1, 100, 150)
    for seed, (what, number) in enumerate(NOT_FINITE.items(), start=1):
        for function in module.functions:
            problem = Problem(function, sizes, seed, captures(np.random.default_rng(seed), sizes))
            value = element_types.encode(np.array([number]), function.dtype)[0]
            problem.query[0, 1, 17, 3] = value
            problem.key[0, 0, 60, 5] = value
            bench.check(f"{function.name}, {what}", artifact, function, problem)


def main():
    bench, _ = workbench.start()
    module = add_functions(bench)
    artifact = bench.compile(module)
    check_shapes(bench, artifact, module)
    check_chain(bench)
    check_not_finite(bench)
    bench.finish()


main()
