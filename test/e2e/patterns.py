# Every pattern of the catalogue in one element type, on shapes of every kind, against the oracle. On a simulated GPU each
# of its element types has its share of the patterns.
#
# Part of sparse-attn, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

import workbench
from catalogue import PATTERNS, captures
from workbench import Module, Problem, Sizes

SHAPES = {
    "aligned": Sizes(1, 1, 1, 192, 192),
    "ragged": Sizes(1, 1, 1, 203, 203),
    "fewer queries": Sizes(1, 1, 1, 77, 231),
    "more queries": Sizes(1, 1, 1, 150, 77),
    "decoding": Sizes(1, 2, 1, 1, 130),
    "grouped heads": Sizes(1, 4, 2, 65, 65),
    "batches": Sizes(3, 1, 1, 70, 100),
    "batches and heads": Sizes(2, 3, 3, 33, 66),
}
SHAPES_OF_SIMULATOR = {
    "aligned": Sizes(1, 1, 1, 192, 128),
    "ragged": Sizes(1, 1, 1, 203, 203),
    "fewer queries": Sizes(2, 1, 1, 37, 149),
    "more queries": Sizes(1, 2, 2, 150, 77),
    "decoding": Sizes(2, 4, 2, 1, 130),
}


def main():
    bench, (dtype,) = workbench.start()
    module = Module()
    names = list(PATTERNS) if bench.on_cpu else list(PATTERNS)[bench.dtypes.index(dtype) :: len(bench.dtypes)]
    functions = {name: module.add(name, PATTERNS[name], dtype) for name in names}
    artifact = bench.compile(module)
    shapes = SHAPES if bench.on_cpu else SHAPES_OF_SIMULATOR
    for seed, (shape, sizes) in enumerate(shapes.items(), start=1):
        print(f"{shape}: {sizes}, seed {seed}")
        for name, function in functions.items():
            problem = Problem(function, sizes, seed, captures(seed, sizes))
            bench.check(f"{name}, {shape}", artifact, function, problem)
    bench.finish()


main()
